/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef CGROUP_BPF_H
#define CGROUP_BPF_H

#include "kernel.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct cgroup_root {
	int hierarchy_id;
};

struct kernfs_node {
	u64 id;
};

struct cgroup {
	struct cgroup_root *root;
	struct kernfs_node *kn;
};

struct css_set {
	/* Of the hierarchy of version 2. */
	struct cgroup *dfl_cgrp;
};

struct task_struct___cgroups {
	struct css_set *cgroups;
};

#pragma clang attribute pop

/* The task's in the hierarchy of version 2. */
static __always_inline struct cgroup *task_cgroup(struct task_struct *task)
{
	return ((struct task_struct___cgroups *)task)->cgroups->dfl_cgrp;
}

/* What bpf_get_current_cgroup_id() gives for the task that runs, without a call. */
static __always_inline u64 cgroup_id(struct cgroup *cgroup)
{
	return cgroup->kn->id;
}

#endif
