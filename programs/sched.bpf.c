// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "cache.bpf.h"
#include "cgroup.bpf.h"
#include "histogram.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"
#include "stamp.bpf.h"

/* include/linux/sched.h */
#define TASK_DEAD 0x80

#define MAX_CGROUPS 1024
/* Pairs of tasks that wait for a CPU at a time: 64 KiB. */
#define QUEUED_BITS 10
/* Pairs of tasks that are on no CPU, which most are: 512 KiB. */
#define LEFT_BITS 13
#define LENGTHS 34

enum switch_type { SWITCH_VOLUNTARY, SWITCH_INVOLUNTARY, SWITCH_IDLE, SWITCH_TYPES };

const volatile bool enable_runqueue_latency = true;
const volatile bool enable_cgroup_latency = true;
const volatile bool enable_context_switches = true;
const volatile bool enable_on_cpu = true;
const volatile bool enable_off_cpu = true;
/* Times of queueing are taken at the wake-up and the switch, rather than from the kernel. */
const volatile bool own_stamp = false;
/* Not 0: the process that is counted. */
const volatile s32 only_tgid = 0;

struct cpu_sched {
	u64 switches[SWITCH_TYPES];
	u64 migrations;
	/* When the task that runs came, where the kernel doesn't tell. */
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

/* By thread, when it was queued; and when it left its CPU, with the type of the switch. */
STAMP_TABLE(sched_queued, QUEUED_BITS);
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

struct task_struct___arrived {
	struct {
		unsigned long long last_arrival;
	} sched_info;
} __attribute__((preserve_access_index));

static __always_inline bool has_kernel_stamps(struct task_struct *task)
{
	return !own_stamp && bpf_core_field_exists(task->sched_info.last_queued) &&
	       bpf_core_field_exists(task->se.cfs_rq);
}

/*
 * The run queue's clock, which the kernel has just read, and by which it stamps. Where it isn't to be had, the time by
 * which the program stamps: the two are never mixed.
 */
static __always_inline u64 clock_of(struct task_struct *task)
{
	return has_kernel_stamps(task) ? task->se.cfs_rq->rq->clock : bpf_ktime_get_ns();
}

static __always_inline void stamp(struct stamp_pair *pair, u32 pid, u64 now, u64 detail, bool queued)
{
	bool again = stamp_find(pair, pid);
	struct cpu_sched_lost *lost;

	/* A task that is woken while it still runs is stamped anew when it is queued. */
	if (!stamp_put(pair, pid, now, detail) || again)
		return;
	lost = percpu_element(&sched_lost);
	if (!lost)
		return;
	if (queued)
		lost->queued += 1;
	else
		lost->left += 1;
}

/*
 * The kernel has stamped the task by the run queue's clock when it was queued, and takes the stamp away after this
 * tracepoint: no hook at the wake-up, no clock, no map. 0 is a task that wasn't queued: the idle task.
 */
static __always_inline u64 queued_at(struct task_struct *next)
{
	struct stamp *stamp;

	if (!own_stamp)
		return next->sched_info.last_queued;
	stamp = stamp_find(sched_queued_pair(next->pid), next->pid);
	return stamp ? stamp_end(stamp) : 0;
}

static __always_inline void count_latency(struct cpu_sched *cpu, struct task_struct *next, u64 now)
{
	struct cgroup_key key = {};
	struct cgroup *cgroup;
	struct hist *latency;
	u64 queued;

	if (next->pid == 0)
		return;
	queued = queued_at(next);
	if (!queued || now < queued)
		return;
	if (enable_runqueue_latency)
		hist_add_ns(&cpu->latency, now - queued);
	if (!enable_cgroup_latency)
		return;
	cgroup = task_cgroup(next);
	key.cgroup = cgroup_id(cgroup);
	/* By the pointer, two loads before the id: where to count is known when it has been compared. */
	latency = sched_cgroup_at(cache_place(lower_half((u64)cgroup), 0), key);
	if (latency)
		hist_add_ns(latency, now - queued);
}

/* The task that leaves was stamped by the kernel when it came, by the same clock. The idle task never is. */
static __always_inline void count_on_cpu(struct cpu_sched *cpu, struct task_struct *prev, u64 now)
{
	u64 arrived;

	if (has_kernel_stamps(prev))
		arrived = ((struct task_struct___arrived *)prev)->sched_info.last_arrival;
	else
		arrived = cpu->arrived;
	if (prev->pid && arrived && now >= arrived)
		hist_add_ns(&cpu->on_cpu, now - arrived);
}

/* The kernel keeps no time of leaving. One that ends never comes back: it leaves no stamp. */
static __always_inline void leave(struct task_struct *prev, enum switch_type type, u64 now)
{
	if (type != SWITCH_IDLE && !(task_state(prev) & TASK_DEAD))
		stamp(sched_left_pair(prev->pid), prev->pid, now, type, false);
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
	struct cpu_sched *cpu = by_cpu ? percpu_element(&sched) : NULL;
	enum switch_type type = SWITCH_IDLE;
	u64 now = 0;

	if (by_cpu && !cpu)
		return 0;
	if (enable_context_switches || enable_off_cpu || own_stamp)
		type = switch_type(preempt, prev);
	if (enable_context_switches && is_counted(prev))
		cpu->switches[type] += 1;
	if (latency || enable_on_cpu || enable_off_cpu)
		now = clock_of(next);
	if (latency && is_counted(next))
		count_latency(cpu, next, now);
	if (latency && own_stamp && type == SWITCH_INVOLUNTARY && is_counted(prev))
		stamp(sched_queued_pair(prev->pid), prev->pid, now, 0, true);
	if (enable_on_cpu && is_counted(prev))
		count_on_cpu(cpu, prev, now);
	if (enable_on_cpu && !has_kernel_stamps(next))
		cpu->arrived = now;
	if (enable_off_cpu && is_counted(prev))
		leave(prev, type, now);
	if (enable_off_cpu && is_counted(next))
		come_back(cpu, next, now);
	return 0;
}

static __always_inline int queue(struct task_struct *task)
{
	if (own_stamp && is_counted(task))
		stamp(sched_queued_pair(task->pid), task->pid, bpf_ktime_get_ns(), 0, true);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(sched_wakeup, struct task_struct *task)
{
	return queue(task);
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(sched_wakeup_new, struct task_struct *task)
{
	return queue(task);
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
