// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A run queue's lock is held, with interrupts off. */
#define ADDS_UNINTERRUPTED

#include "cache.bpf.h"
#include "histogram.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"
#include "registers.bpf.h"
#include "stamp.bpf.h"

/* Containers come and go, so there is an end to them. */
#define MAX_CGROUPS 2048

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, MAX_CGROUPS);
	__type(key, u64);
	__type(value, struct hist);
} cgroup_throttled SEC(".maps");

PERCPU_TABLE(cgroup_throttled_lost, struct lost_events);
STAMP_TABLE(throttled, 10);

static const struct hist zero;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node___throttle {
	u64 id;
};

struct cgroup___throttle {
	struct kernfs_node___throttle *kn;
};

struct cgroup_subsys_state___throttle {
	struct cgroup___throttle *cgroup;
};

struct task_group___throttle {
	struct cgroup_subsys_state___throttle css;
};

struct cfs_rq___throttle {
	struct task_group___throttle *tg;
	int runtime_enabled;
	s64 runtime_remaining;
	/* Since 6.18. */
	struct {
	} throttled_limbo_list;
};

#pragma clang attribute pop

/* Called at each attempt, and again at each that ends without throttling: the last one's time is the one that counts. */
static __always_inline int begin(u64 cfs_rq)
{
	struct stamp_pair *pair = throttled_pair(cfs_rq);
	struct stamp *own = stamp_find(pair, cfs_rq);
	u64 now = bpf_ktime_get_ns();

	if (own)
		own->time = now;
	else if (stamp_put(pair, cfs_rq, now, 0))
		count_lost(&cgroup_throttled_lost);
	return 0;
}

/* Since 6.18 a queue stays throttled whose tasks have used up the new quota too before it comes to the end of the old one. */
static __always_inline bool stays_throttled(struct cfs_rq___throttle *queue)
{
	return bpf_core_field_exists(queue->throttled_limbo_list) && BPF_CORE_READ(queue, runtime_enabled) &&
	       BPF_CORE_READ(queue, runtime_remaining) <= 0;
}

static __always_inline int end(u64 cfs_rq)
{
	struct stamp *stamp = stamp_find(throttled_pair(cfs_rq), cfs_rq);
	struct cfs_rq___throttle *queue = (void *)cfs_rq;
	struct hist *hist;
	u64 cgroup, begun;

	/* NULL: it was throttled when this program was attached, or its stamp was displaced, which is counted. */
	if (!stamp || stays_throttled(queue))
		return 0;
	begun = stamp_end(stamp);
	cgroup = BPF_CORE_READ(queue, tg, css.cgroup, kn, id);
	hist = bpf_map_lookup_elem(&cgroup_throttled, &cgroup);
	if (!hist) {
		bpf_map_update_elem(&cgroup_throttled, &cgroup, &zero, BPF_NOEXIST);
		hist = bpf_map_lookup_elem(&cgroup_throttled, &cgroup);
	}
	if (hist)
		hist_add_ns(hist, bpf_ktime_get_ns() - begun);
	else
		count_lost(&cgroup_throttled_lost);
	return 0;
}

/* It returns whether it throttled, a bool: of its register only the lowest byte tells. */
SEC("fexit/throttle_cfs_rq")
int BPF_PROG(throttle_fexit, const void *cfs_rq, u64 is_throttled)
{
	return (u8)is_throttled ? begin((u64)cfs_rq) : 0;
}

SEC("kprobe/throttle_cfs_rq")
int throttle_kprobe(void *ctx)
{
	return begin(first_argument(ctx));
}

SEC("fentry/unthrottle_cfs_rq")
int BPF_PROG(unthrottle_fentry, const void *cfs_rq)
{
	return end((u64)cfs_rq);
}

SEC("kprobe/unthrottle_cfs_rq")
int unthrottle_kprobe(void *ctx)
{
	return end(first_argument(ctx));
}

char LICENSE[] SEC("license") = "GPL";
