// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Tasks are switched, woken and moved with interrupts off. */
#define ADDS_UNINTERRUPTED

#include "cache.bpf.h"
#include "cgroup.bpf.h"
#include "histogram.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"
#include "queued.bpf.h"
#include "stamp.bpf.h"

/* include/linux/sched.h */
#define TASK_DEAD 0x80

#define MAX_CGROUPS 1024
/* Pairs of tasks that are on no CPU, which most are: 512 KiB. */
#define LEFT_BITS 13
#define LENGTHS 34

enum switch_type { SWITCH_VOLUNTARY, SWITCH_INVOLUNTARY, SWITCH_IDLE, SWITCH_TYPES };

const volatile bool enable_runqueue_latency = true;
const volatile bool enable_cgroup_latency = true;
const volatile bool enable_context_switches = true;
const volatile bool enable_on_cpu = true;
const volatile bool enable_off_cpu = true;
/* Waits are told by the kernel's own stamps, which miss some, rather than by clocks at the wake-up and the switch. */
const volatile bool kernel_stamp = false;
/* Not 0: the process that is counted. */
const volatile s32 only_tgid = 0;

struct cpu_sched {
	u64 switches[SWITCH_TYPES];
	u64 migrations;
	/* When the task that runs came. */
	u64 arrived;
	struct hist latency;
	struct hist on_cpu;
	/* Voluntary and involuntary. */
	struct hist off_cpu[2];
} CPU_ALIGNED;

PERCPU_TABLE(sched, struct cpu_sched);

struct cpu_sched_lost {
	u64 queued;
	u64 left;
} CPU_ALIGNED;

PERCPU_TABLE(sched_lost, struct cpu_sched_lost);

enum { BPF_MAP_TYPE_PERCPU_ARRAY = 6 };

struct lengths {
	/* 0, 1, … 32, and what is above. */
	u64 slots[LENGTHS];
	u64 sum;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct lengths);
} sched_lengths SEC(".maps");

struct cgroup_key {
	u64 cgroup;
};

CACHED_MAP(sched_cgroup, struct cgroup_key, struct hist, MAX_CGROUPS);

QUEUED_TABLE(sched_queued);

/* By thread, when it left its CPU, with the type of the switch. */
STAMP_TABLE(sched_left, LEFT_BITS);

static __always_inline bool is_counted(struct task_struct *task)
{
	return !only_tgid || task->tgid == only_tgid;
}

static __always_inline long task_state(struct task_struct *task)
{
	/* Renamed in 5.14 by commit 2f064a59a11f ("sched: Change task_struct::state"). */
	if (bpf_core_field_exists(task->__state))
		return task->__state;
	return ((struct task_struct___state *)task)->state;
}

/* As the kernel decides between nvcsw and nivcsw in __schedule(), apart from the idle tasks. */
static __always_inline enum switch_type switch_type(bool preempt, struct task_struct *prev)
{
	if (prev->pid == 0)
		return SWITCH_IDLE;
	return preempt || task_state(prev) == 0 ? SWITCH_INVOLUNTARY : SWITCH_VOLUNTARY;
}

static __always_inline void queue(struct task_struct *task, u64 now, bool is_woken)
{
	queued_put(queued_line(&sched_queued, task->pid), task->pid, now, is_woken, !is_woken && task_state(task));
}

/* How long the task that gets a CPU has waited, in nanoseconds; below 0: nothing tells. */
static __always_inline s64 waited(struct task_struct *next, u64 now)
{
	u64 since;

	if (kernel_stamp) {
		/* By the clock of the run queue: see docs/programs/sched.md for what it misses. */
		since = next->sched_info.last_queued;
		now = next->se.cfs_rq->rq->clock;
		return since && now >= since ? now - since : -1;
	}
	since = queued_take(queued_line(&sched_queued, next->pid), next->pid);
	if (!since)
		return -1;
	/* The kernel's fast clock may go back a little where its slope is corrected. */
	return now >= since ? now - since : 0;
}

static __always_inline void count_latency(struct cpu_sched *cpu, struct task_struct *next, u64 now)
{
	struct cpu_sched_lost *lost;
	struct cgroup_key key = {};
	struct cgroup *cgroup;
	struct hist *latency;
	s64 wait;

	if (next->pid == 0)
		return;
	wait = waited(next, now);
	if (wait < 0) {
		lost = percpu_element(&sched_lost);
		if (lost)
			lost->queued += 1;
		return;
	}
	if (enable_runqueue_latency)
		hist_add_ns(&cpu->latency, wait);
	if (!enable_cgroup_latency)
		return;
	cgroup = task_cgroup(next);
	key.cgroup = cgroup_id(cgroup);
	/* By the pointer, two loads before the id: where to count is known when it has been compared. */
	latency = sched_cgroup_at(cache_place(lower_half((u64)cgroup), 0), key);
	if (latency)
		hist_add_ns(latency, wait);
}

/* The idle task is never counted. */
static __always_inline void count_on_cpu(struct cpu_sched *cpu, struct task_struct *prev, u64 now)
{
	u64 arrived = cpu->arrived;

	if (prev->pid && arrived && is_counted(prev))
		hist_add_ns(&cpu->on_cpu, now - arrived);
	cpu->arrived = now;
}

/* The kernel keeps no time of leaving. One that ends never comes back: it leaves no stamp. */
static __always_inline void leave(struct task_struct *prev, enum switch_type type, u64 now)
{
	struct cpu_sched_lost *lost;

	if (type == SWITCH_IDLE || task_state(prev) & TASK_DEAD)
		return;
	if (!stamp_put(sched_left_pair(prev->pid), prev->pid, now, type))
		return;
	lost = percpu_element(&sched_lost);
	if (lost)
		lost->left += 1;
}

static __always_inline void come_back(struct cpu_sched *cpu, struct task_struct *next, u64 now)
{
	struct stamp *stamp;
	u64 type;

	if (next->pid == 0)
		return;
	stamp = stamp_find(sched_left_pair(next->pid), next->pid);
	if (!stamp)
		return;
	type = *(volatile u64 *)&stamp->detail & 1;
	hist_add_ns(&cpu->off_cpu[type], now - stamp_end(stamp));
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	bool latency = enable_runqueue_latency || enable_cgroup_latency;
	bool by_cpu = enable_runqueue_latency || enable_context_switches || enable_on_cpu || enable_off_cpu;
	bool stamps = latency && !kernel_stamp;
	struct cpu_sched *cpu = by_cpu ? percpu_element(&sched) : NULL;
	enum switch_type type = SWITCH_IDLE;
	u64 now = 0;

	if (by_cpu && !cpu)
		return 0;
	if (enable_context_switches || enable_off_cpu || stamps)
		type = switch_type(preempt, prev);
	if (enable_context_switches && is_counted(prev))
		cpu->switches[type] += 1;
	if (stamps || enable_on_cpu || enable_off_cpu)
		now = bpf_ktime_get_ns();
	if (latency && is_counted(next))
		count_latency(cpu, next, now);
	if (stamps && type == SWITCH_INVOLUNTARY && is_counted(prev))
		queue(prev, now, false);
	/* One that was woken while it ran, and ends, leaves no stamp in others' way. */
	if (stamps && task_state(prev) & TASK_DEAD)
		queued_take(queued_line(&sched_queued, prev->pid), prev->pid);
	if (enable_on_cpu)
		count_on_cpu(cpu, prev, now);
	if (enable_off_cpu && is_counted(prev))
		leave(prev, type, now);
	if (enable_off_cpu && is_counted(next))
		come_back(cpu, next, now);
	return 0;
}

/* One that is woken while it still runs doesn't wait: the stamp that it then has gives way to the next. */
static __always_inline int wake(struct task_struct *task)
{
	if (is_counted(task))
		queue(task, bpf_ktime_get_ns(), true);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(sched_wakeup, struct task_struct *task)
{
	return wake(task);
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(sched_wakeup_new, struct task_struct *task)
{
	return wake(task);
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(sched_migrate_task, struct task_struct *task)
{
	struct cpu_sched *cpu = percpu_element(&sched);

	if (cpu && is_counted(task))
		cpu->migrations += 1;
	return 0;
}

struct rq___delayed {
	struct {
		/* 6.12, 6.13 */
		unsigned int h_nr_delayed;
	} cfs;
} __attribute__((preserve_access_index));

struct rq___runnable {
	struct {
		/* Since 6.14. */
		unsigned int h_nr_queued;
		unsigned int h_nr_runnable;
	} cfs;
} __attribute__((preserve_access_index));

/* Since 6.12 tasks that sleep may stay on the queue for a while, until their turn has come. */
static __always_inline u32 delayed(void *rq)
{
	struct rq___runnable *runnable = rq;
	struct rq___delayed *older = rq;

	if (bpf_core_field_exists(runnable->cfs.h_nr_runnable))
		return BPF_CORE_READ(runnable, cfs.h_nr_queued) - BPF_CORE_READ(runnable, cfs.h_nr_runnable);
	if (bpf_core_field_exists(older->cfs.h_nr_delayed))
		return BPF_CORE_READ(older, cfs.h_nr_delayed);
	return 0;
}

/* The task that runs is on the queue too, and doesn't wait; the idle task isn't. */
SEC("perf_event/type=1,config=0,frequency=99")
int sample_runqueue(void *ctx)
{
	u32 zero = 0;
	struct lengths *lengths = bpf_map_lookup_elem(&sched_lengths, &zero);
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct rq *rq = BPF_CORE_READ(task, se.cfs_rq, rq);
	u64 waiting = BPF_CORE_READ(rq, nr_running) - delayed(rq);
	u64 slot;

	if (BPF_CORE_READ(task, pid) && waiting)
		waiting -= 1;
	slot = waiting;
	/* Or the bound may be checked in another register than the one that is used, which verifiers before 5.11 don't see. */
	barrier_var(slot);
	if (slot > LENGTHS - 1)
		slot = LENGTHS - 1;
	if (!lengths)
		return 0;
	lengths->slots[slot] += 1;
	lengths->sum += waiting;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
