// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Items run in no interrupt before Linux 6.9, which keeps a program out of itself; their start and their end add to numbers of
 * their own.
 */
#define ADDS_UNINTERRUPTED

#include "asked.bpf.h"
#include "cache.bpf.h"
#include "histogram.bpf.h"
#include "kernel.bpf.h"
#include "stamp.bpf.h"

#define MAX_FUNCTIONS 256
/* Pairs of items that are queued at a time: 256 KiB. */
#define QUEUED_BITS 12
/* include/linux/hash.h */
#define GOLDEN_RATIO_64 0x61c8864680b583ebULL
/* Workers of one bucket that are looked at. */
#define MAX_CHAIN 16

const volatile bool enable_latency = true;
const volatile bool enable_duration = true;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct work_struct {
	void (*func)(struct work_struct *work);
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct worker {
	struct hlist_node hentry;
	struct work_struct *current_work;
	void (*current_func)(struct work_struct *work);
	struct task_struct *task;
};

struct worker_pool {
	/* Workers that run something, by a hash of the item's address. */
	struct hlist_head busy_hash[64];
};

struct pool_workqueue {
	struct worker_pool *pool;
};

#pragma clang attribute pop

struct work_value {
	struct hist latency;
	struct hist duration;
	u64 unmatched;
};

CACHED_MAP(workqueue, u64, struct work_value, MAX_FUNCTIONS);

/* A work item that was queued. Those that are cancelled leave theirs behind, those that have begun one without times. */
struct queued {
	u64 work;
	struct asked asked;
};

struct queued_pair {
	struct queued items[2];
} __attribute__((aligned(64)));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << QUEUED_BITS);
	__type(key, u32);
	__type(value, struct queued_pair);
} queued SEC(".maps");

/* By work item and task: an item may free itself, and another one be queued in its memory, while its function still runs. */
STAMP_TABLE(running, 10);

static __always_inline u64 running_key(u64 work, u64 task)
{
	return lower_half(work) ^ task * GOLDEN_RATIO_64;
}

static __always_inline struct work_value *work_value(u64 function)
{
	return workqueue_at(stamp_hash(function) >> (32 - CACHE_BITS), function);
}

static __always_inline struct queued_pair *queued_pair(u64 work)
{
	u32 place = stamp_hash(work) >> (32 - QUEUED_BITS);

	return bpf_map_lookup_elem(&queued, &place);
}

static __always_inline struct queued *find_queued(struct queued_pair *pair, u64 work)
{
	if (pair->items[0].work == work)
		return &pair->items[0];
	return pair->items[1].work == work ? &pair->items[1] : NULL;
}

/* Where an item is kept that has no place: instead of one that has begun, or else of the one that was queued first. */
static __always_inline struct queued *free_place(struct queued_pair *pair)
{
	struct asked *first = &pair->items[0].asked, *second = &pair->items[1].asked;
	u64 first_time = first->times[0] ?: first->times[1], second_time = second->times[0] ?: second->times[1];

	return second_time < first_time ? &pair->items[1] : &pair->items[0];
}

/*
 * The worker that the kernel has given this item, whether or not its start was traced: find_worker_executing_work() of
 * kernel/workqueue.c, whose lock is held where an item is queued.
 */
static __always_inline bool find_worker(struct pool_workqueue *pool_workqueue, u64 work, u64 function, u64 *task)
{
	struct worker_pool *pool = BPF_CORE_READ(pool_workqueue, pool);
	u64 bucket, node = 0;

	/* They are the kernel's own affair: of one that keeps its workers otherwise, what was queued before was cancelled. */
	if (!bpf_core_field_exists(pool->busy_hash) || !bpf_core_field_exists(struct worker, hentry))
		return false;
	/* hash_min() of include/linux/hashtable.h, for a table whose size is a power of two. */
	bucket = (work * GOLDEN_RATIO_64 >> 32) * (bpf_core_field_size(pool->busy_hash) / sizeof(u64)) >> 32;
	bpf_probe_read_kernel(&node, sizeof(node), &((u64 *)&pool->busy_hash)[bucket]);
	for (int i = 0; i < MAX_CHAIN && node; i++) {
		struct worker *worker = (void *)node - bpf_core_field_offset(struct worker, hentry);

		if ((u64)BPF_CORE_READ(worker, current_work) == work &&
		    (u64)BPF_CORE_READ(worker, current_func) == function) {
			*task = (u64)BPF_CORE_READ(worker, task);
			return true;
		}
		node = (u64)BPF_CORE_READ((struct hlist_node *)node, next);
	}
	return false;
}

/*
 * Whether a worker has taken the item off its queue, and is about to start it; or has just ended it, when only an item that
 * was queued, cancelled and queued again by then is taken for one that waits since the first time.
 */
static __always_inline bool is_about_to_start(struct pool_workqueue *pool, u64 work, u64 function)
{
	u64 task = 0, key;

	if (!find_worker(pool, work, function, &task))
		return false;
	key = running_key(work, task);
	return !stamp_find(running_pair(key), key);
}

static __always_inline void count_latency(u64 work, u64 function)
{
	struct queued_pair *pair = queued_pair(work);
	struct queued *item = pair ? find_queued(pair, work) : NULL;
	u64 since = item ? asked_take(&item->asked) : 0;
	struct work_value *value = work_value(function);

	if (value && since)
		hist_add_ns(&value->latency, bpf_ktime_get_ns() - since);
	else if (value)
		add_to(&value->unmatched, 1);
}

/* From the end to the beginning, so that none is attached before what ends it: an end that isn't seen leaves a time behind. */
SEC("tp_btf/workqueue_execute_end")
int BPF_PROG(workqueue_execute_end, struct work_struct *work)
{
	/* It may have freed itself: a number by now. */
	u64 key = running_key((u64)work, bpf_get_current_task());
	struct stamp *stamp = stamp_find(running_pair(key), key);
	struct work_value *value;
	u64 function, begun;

	/* It was running when this program was attached, or its stamp was displaced, which is counted. */
	if (!stamp)
		return 0;
	function = *(volatile u64 *)&stamp->detail;
	begun = stamp_end(stamp);
	if (!enable_duration)
		return 0;
	value = work_value(function);
	if (value)
		hist_add_ns(&value->duration, bpf_ktime_get_ns() - begun);
	return 0;
}

SEC("tp_btf/workqueue_execute_start")
int BPF_PROG(workqueue_execute_start, struct work_struct *work)
{
	u64 function = (u64)work->func, key = running_key((u64)work, bpf_get_current_task());

	if (enable_latency)
		count_latency((u64)work, function);
	/* Last: who queues the item again sees by this that its time of queueing is taken. */
	if (stamp_put(running_pair(key), key, bpf_ktime_get_ns(), function) && enable_duration)
		count_lost(&workqueue_lost);
	return 0;
}

SEC("tp_btf/workqueue_queue_work")
int BPF_PROG(workqueue_queue_work, int cpu, struct pool_workqueue *pool, struct work_struct *work)
{
	struct queued_pair *pair = queued_pair((u64)work);
	struct queued *item;
	u64 number = 0;

	if (!pair)
		return 0;
	item = find_queued(pair, (u64)work);
	if (!item) {
		item = free_place(pair);
		asked_anew(&item->asked, bpf_ktime_get_ns());
		item->work = (u64)work;
		return 0;
	}
	/* It was queued before: one that hasn't begun was cancelled, unless a worker has it in hand. */
	if (item->asked.times[0] || item->asked.times[1]) {
		/* The pointer as a number, which the verifier lets a program calculate with. */
		bpf_probe_read_kernel(&number, sizeof(number), &ctx[2]);
		if (is_about_to_start(pool, number, (u64)work->func)) {
			asked_again(&item->asked, bpf_ktime_get_ns());
			return 0;
		}
	}
	asked_anew(&item->asked, bpf_ktime_get_ns());
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
