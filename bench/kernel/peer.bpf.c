// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The plain ways to count and to measure: hash maps, an element per bucket, times by key in a map of their own.
 * The shipped programs are held against them on the same machine, since nanoseconds differ from one to the next.
 */
#include "histogram.bpf.h"
#include "kernel.bpf.h"

enum { BPF_MAP_TYPE_PERCPU_ARRAY = 6 };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, u64);
	__type(value, u64);
} starts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 16);
	__type(key, u32);
	__type(value, u64);
} array SEC(".maps");

static const u64 zero;

static __always_inline void add(u64 key, u64 number)
{
	u64 *count = bpf_map_lookup_elem(&counts, &key);

	if (!count) {
		bpf_map_update_elem(&counts, &key, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&counts, &key);
	}
	if (count)
		__sync_fetch_and_add(count, number);
}

static __always_inline void add_to_histogram(u64 value)
{
	add(hist_slot(value), 1);
	add(HIST_SLOTS, value);
}

static __always_inline void start(u64 key)
{
	u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&starts, &key, &now, 0);
}

static __always_inline void end(u64 key)
{
	u64 *started = bpf_map_lookup_elem(&starts, &key);

	if (!started)
		return;
	add_to_histogram((bpf_ktime_get_ns() - *started) / 1000);
	bpf_map_delete_elem(&starts, &key);
}

SEC("tp_btf/sys_exit")
int empty(void *ctx)
{
	return 0;
}

SEC("tp_btf/sys_exit")
int counter_hash(void *ctx)
{
	add(1, 1);
	return 0;
}

SEC("tp_btf/sys_exit")
int counter_percpu_array(void *ctx)
{
	u32 key = 1;
	u64 *count = bpf_map_lookup_elem(&array, &key);

	if (count)
		*count += 1;
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(histogram_hash, struct pt_regs *regs, long ret)
{
	add_to_histogram(ret);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(wakeup, struct task_struct *task)
{
	start(BPF_CORE_READ(task, pid));
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(wakeup_new, struct task_struct *task)
{
	start(BPF_CORE_READ(task, pid));
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(switched, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	if (BPF_CORE_READ(prev, __state) == 0)
		start(BPF_CORE_READ(prev, pid));
	end(BPF_CORE_READ(next, pid));
	return 0;
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(issue, struct request *rq)
{
	start((u64)rq);
	return 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(complete, struct request *rq)
{
	end((u64)rq);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
