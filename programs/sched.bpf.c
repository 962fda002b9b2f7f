// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "histogram.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"

enum switch_type { SWITCH_VOLUNTARY, SWITCH_INVOLUNTARY, SWITCH_IDLE, SWITCH_TYPES };

const volatile bool enable_runqueue_latency = true;
const volatile bool enable_context_switches = true;
const volatile bool enable_on_cpu = true;
/* Not 0: the process that is counted. */
const volatile s32 only_tgid = 0;

struct cpu_sched {
	u64 switches[SWITCH_TYPES];
	u64 migrations;
	struct hist latency;
	struct hist on_cpu;
} CPU_ALIGNED;

PERCPU_TABLE(sched, struct cpu_sched);

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

/*
 * The kernel has stamped the task by the run queue's clock when it was queued, and takes the stamp away after this
 * tracepoint: no hook at the wake-up, no clock, no map. 0 is a task that wasn't queued: the idle task.
 */
static __always_inline void count_latency(struct hist *latency, struct task_struct *next)
{
	u64 queued = next->sched_info.last_queued;
	u64 now = next->se.cfs_rq->rq->clock;

	if (queued && now >= queued)
		hist_add_ns(latency, now - queued);
}

struct task_struct___arrived {
	struct {
		unsigned long long last_arrival;
	} sched_info;
} __attribute__((preserve_access_index));

/* Likewise the task that leaves: stamped when it came, by the same clock. The idle task never is. */
static __always_inline void count_on_cpu(struct hist *on_cpu, struct task_struct *prev)
{
	u64 arrived = ((struct task_struct___arrived *)prev)->sched_info.last_arrival;
	u64 now = prev->se.cfs_rq->rq->clock;

	if (prev->pid && arrived && now >= arrived)
		hist_add_ns(on_cpu, now - arrived);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct cpu_sched *cpu = percpu_element(&sched);

	if (!cpu)
		return 0;
	if (enable_context_switches && is_counted(prev))
		cpu->switches[switch_type(preempt, prev)] += 1;
	if (enable_runqueue_latency && is_counted(next))
		count_latency(&cpu->latency, next);
	if (enable_on_cpu && is_counted(prev))
		count_on_cpu(&cpu->on_cpu, prev);
	return 0;
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(sched_migrate_task, struct task_struct *task)
{
	struct cpu_sched *cpu = percpu_element(&sched);

	if (cpu && is_counted(task))
		cpu->migrations += 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
