// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kernel.bpf.h"
#include "percpu.bpf.h"

/*
 * Perf events by the name or the cgroup of the task that ran: whenever a CPU changes tasks, what its events have counted
 * since the last change is added to the task that leaves. User space opens the events, one group per CPU.
 */

enum { BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4 };

/* include/uapi/linux/bpf.h */
struct bpf_perf_event_value {
	u64 counter;
	u64 enabled;
	u64 running;
};

/* As src/config/without-c/perf-event-maps.ts has it. */
#define MAX_EVENTS 8

const volatile u32 event_count = 1;
const volatile bool by_cgroup = false;

/* Event i of CPU c is element c * event_count + i. */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} events SEC(".maps");

/* Nanoseconds, all events' since they are one group: enabled, and on the PMU. */
struct counts {
	u64 enabled;
	u64 running;
	u64 events[MAX_EVENTS];
};

union task_key {
	char name[16];
	u64 cgroup;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, union task_key);
	__type(value, struct counts);
} by_task SEC(".maps");

/* What the events had counted at the last change. */
struct last_counts {
	struct counts counts;
} CPU_ALIGNED;

PERCPU_TABLE(last, struct last_counts);

struct lost_changes {
	u64 map_full;
	u64 unread;
} CPU_ALIGNED;

PERCPU_TABLE(lost, struct lost_changes);

static const struct counts nothing;

static __always_inline struct counts *counts_of_current(void)
{
	union task_key key = {};
	struct counts *counts;

	if (by_cgroup)
		key.cgroup = bpf_get_current_cgroup_id();
	else if (bpf_get_current_pid_tgid())
		bpf_get_current_comm(key.name, sizeof(key.name));
	else
		/* Each CPU's idle task has a name of its own: swapper/3. */
		__builtin_memcpy(key.name, "swapper", 8);
	counts = bpf_map_lookup_elem(&by_task, &key);
	if (counts)
		return counts;
	bpf_map_update_elem(&by_task, &key, &nothing, BPF_NOEXIST);
	return bpf_map_lookup_elem(&by_task, &key);
}

/* What was counted since `last`, which is then `now`. Of an event that was opened anew `last` is of the one before. */
static __always_inline u64 since(u64 *last, u64 now, bool anew)
{
	u64 before = anew ? 0 : *last;

	*last = now;
	return now - before;
}

/* Interrupts are off, or it is an interrupt itself, so that nothing comes between. */
static __always_inline void add_since_last(void)
{
	struct last_counts *kept = percpu_element(&last);
	struct lost_changes *losses = percpu_element(&lost);
	u32 first = bpf_get_smp_processor_id() * event_count;
	struct bpf_perf_event_value value;
	struct counts *counts;
	u64 count;
	bool anew = false;

	if (!kept || !losses)
		return;
	counts = counts_of_current();
	if (!counts)
		losses->map_full += 1;
#pragma clang loop unroll(full)
	for (u32 i = 0; i < MAX_EVENTS; i++) {
		if (i >= event_count)
			break;
		if (bpf_perf_event_read_value(&events, first + i, &value, sizeof(value))) {
			/* A CPU that has come online since the last reading. */
			losses->unread += 1;
			return;
		}
		if (i == 0) {
			anew = value.enabled < kept->counts.enabled;
			value.enabled = since(&kept->counts.enabled, value.enabled, anew);
			value.running = since(&kept->counts.running, value.running, anew);
			if (counts) {
				counts->enabled += value.enabled;
				counts->running += value.running;
			}
		}
		count = since(&kept->counts.events[i], value.counter, anew);
		if (counts)
			counts->events[i] += count;
	}
}

SEC("tp_btf/sched_switch")
int task_leaves(void *context)
{
	add_since_last();
	return 0;
}

/* Run by user space on every CPU before a reading, so that what the running tasks have counted is in it. */
SEC("raw_tp")
int task_runs(void *context)
{
	add_since_last();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
