// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Puts cgroups into another program's map before any task can be in them, by an automaton over their paths that user space has
 * made of its patterns. What the automaton can't tell, user space does a little later.
 */
#include "cgroup.bpf.h"
#include "kernel.bpf.h"

enum { BPF_MAP_TYPE_CGRP_STORAGE = 32 };

/* As long as the kernel's own buffer for a path in a trace: TRACE_CGROUP_PATH_LEN in kernel/cgroup/cgroup-internal.h. */
#define PATH_BYTES 1024
#define STATES 256
#define CHARACTERS 128

/* The first state is the one of a path that matches, whatever follows; the second is where paths begin. */
enum { MATCHED, BEGIN };

struct automaton {
	u8 next[STATES][CHARACTERS];
	/* Whether a path that ends there matches. */
	u8 accepts[STATES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct automaton);
} automaton SEC(".maps");

/* One at a time, since all hooks are called under the kernel's cgroup_mutex: what is too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, char[PATH_BYTES]);
} scratch SEC(".maps");

/* Both stand for the other program's. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, u64);
} ids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, u64);
} storage SEC(".maps");

/* Since Linux 6.2. */
static void *(*const cgrp_storage_get)(void *map, struct cgroup *cgroup, void *value, u64 flags) = (void *)210;

static __always_inline bool matches(const char *path)
{
	u32 zero = 0, state = BEGIN;
	const struct automaton *rules = bpf_map_lookup_elem(&automaton, &zero);
	const unsigned char *copy = bpf_map_lookup_elem(&scratch, &zero);
	long length;

	if (!rules || !copy)
		return false;
	length = bpf_probe_read_kernel_str((void *)copy, PATH_BYTES, path);
	/* It may have been cut. */
	if (length < 0 || length == PATH_BYTES)
		return false;
	for (u32 i = 0; i < PATH_BYTES; i++) {
		u8 character = copy[i];

		if (!character)
			return rules->accepts[state & (STATES - 1)];
		/* User space knows Unicode. */
		if (character >= CHARACTERS)
			return false;
		state = rules->next[state & (STATES - 1)][character];
		if (state == MATCHED)
			return true;
	}
	return false;
}

/* 0 is the hierarchy of version 2, whose ids the others' are not. */
static __always_inline bool is_wanted(struct cgroup *cgroup, const char *path)
{
	return !cgroup->root->hierarchy_id && matches(path);
}

SEC("?tp_btf/cgroup_mkdir")
int BPF_PROG(add_id, struct cgroup *cgroup, const char *path)
{
	u64 id = cgroup->kn->id, one = 1;

	/* A full map is met by user space too, which counts it. */
	if (is_wanted(cgroup, path))
		bpf_map_update_elem(&ids, &id, &one, 0);
	return 0;
}

/* In the kernel too, since user space may never learn of one that came and went. */
SEC("?tp_btf/cgroup_rmdir")
int BPF_PROG(drop_id, struct cgroup *cgroup, const char *path)
{
	u64 id = cgroup->kn->id;

	if (!cgroup->root->hierarchy_id)
		bpf_map_delete_elem(&ids, &id);
	return 0;
}

SEC("?tp_btf/cgroup_mkdir")
int BPF_PROG(mark_cgroup, struct cgroup *cgroup, const char *path)
{
	u64 one = 1;

	if (is_wanted(cgroup, path))
		cgrp_storage_get(&storage, cgroup, &one, BPF_LOCAL_STORAGE_GET_F_CREATE);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
