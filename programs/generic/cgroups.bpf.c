// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Tells user space which cgroups came and went since it last looked: for names of those that are gone by then. */
#include "cgroup.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"

/* As long as the kernel's own buffer for a path in a trace: TRACE_CGROUP_PATH_LEN in kernel/cgroup/cgroup-internal.h. */
#define PATH_BYTES 1024
#define MAX_CHANGES 4096

struct change {
	u64 removed;
	char path[PATH_BYTES];
};

/* By the cgroup's id, its last change. Paths are long and changes few: memory is taken when they come. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_CHANGES);
	__type(key, u64);
	__type(value, struct change);
} changes SEC(".maps");

/* One change at a time, since all hooks are called under the kernel's cgroup_mutex: what is too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct change);
} scratch SEC(".maps");

struct cpu_lost {
	u64 changes;
} CPU_ALIGNED;

PERCPU_TABLE(lost, struct cpu_lost);

static __always_inline void count_lost_change(void)
{
	struct cpu_lost *cpu = percpu_element(&lost);

	if (cpu)
		cpu->changes += 1;
}

static __always_inline int note(struct cgroup *cgroup, const char *path, bool removed)
{
	u32 zero = 0;
	struct change *change = bpf_map_lookup_elem(&scratch, &zero);
	u64 id = cgroup->kn->id;

	/* 0 is the hierarchy of version 2, whose ids the others' are not. */
	if (!change || cgroup->root->hierarchy_id)
		return 0;
	change->removed = removed;
	/* The string ends with a zero; what is behind it is left as it was. */
	if (bpf_probe_read_kernel_str(change->path, PATH_BYTES, path) < 0 || bpf_map_update_elem(&changes, &id, change, 0))
		count_lost_change();
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_mkdir, struct cgroup *cgroup, const char *path)
{
	return note(cgroup, path, false);
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(cgroup_rmdir, struct cgroup *cgroup, const char *path)
{
	return note(cgroup, path, true);
}

char LICENSE[] SEC("license") = "GPL";
