// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "cache.bpf.h"
#include "histogram.bpf.h"
#include "kernel.bpf.h"
#include "stamp.bpf.h"

#define MAX_FUNCTIONS 256

const volatile bool enable_latency = true;
const volatile bool enable_duration = true;

struct work_struct {
	void (*func)(struct work_struct *work);
} __attribute__((preserve_access_index));

struct work_value {
	struct hist latency;
	struct hist duration;
	u64 unmatched;
};

CACHED_MAP(workqueue, u64, struct work_value, MAX_FUNCTIONS);

/* By work item. Those that are cancelled leave theirs behind. */
STAMP_TABLE(queued, 12);
/* By work item too, which never runs twice at a time; apart, since it may be queued again while it runs. */
STAMP_TABLE(running, 10);

static __always_inline struct work_value *work_value(u64 function)
{
	return workqueue_at(stamp_hash(function) >> (32 - CACHE_BITS), function);
}

static __always_inline void count_latency(u64 work, u64 function, u64 now)
{
	struct work_value *value = work_value(function);
	struct stamp *stamp = stamp_find(queued_pair(work), work);
	u64 since = stamp ? stamp_end(stamp) : 0;

	if (value && stamp)
		hist_add_ns(&value->latency, now - since);
	else if (value)
		value->unmatched += 1;
}

SEC("tp_btf/workqueue_queue_work")
int BPF_PROG(workqueue_queue_work, int cpu, void *pool, struct work_struct *work)
{
	stamp_put(queued_pair((u64)work), (u64)work, bpf_ktime_get_ns(), 0);
	return 0;
}

SEC("tp_btf/workqueue_execute_start")
int BPF_PROG(workqueue_execute_start, struct work_struct *work)
{
	u64 now = bpf_ktime_get_ns(), function = (u64)work->func;

	if (enable_latency)
		count_latency((u64)work, function, now);
	if (enable_duration && stamp_put(running_pair((u64)work), (u64)work, now, function))
		count_lost(&workqueue_lost);
	return 0;
}

SEC("tp_btf/workqueue_execute_end")
int BPF_PROG(workqueue_execute_end, struct work_struct *work)
{
	/* It may have freed itself: a number by now. */
	struct stamp *stamp = stamp_find(running_pair((u64)work), (u64)work);
	struct work_value *value;
	u64 function, begun;

	/* It was running when this program was attached, or its stamp was displaced, which is counted. */
	if (!stamp)
		return 0;
	function = *(volatile u64 *)&stamp->detail;
	begun = stamp_end(stamp);
	value = work_value(function);
	if (value)
		hist_add_ns(&value->duration, bpf_ktime_get_ns() - begun);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
