// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Processes begin and end in no interrupt. */
#define ADDS_UNINTERRUPTED

#include "histogram.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"
#include "stamp.bpf.h"

/* include/linux/sched/signal.h */
#define SIGNAL_GROUP_EXIT 0x4

/* Pairs of execs at a time: 16 KiB. */
#define BEGUN_BITS 8

enum exit_class { EXIT_SUCCESS, EXIT_ERROR, EXIT_SIGNAL, EXIT_CLASSES };

const volatile bool enable_exits = true;
const volatile bool enable_lifetime = true;
const volatile bool enable_exec_latency = true;
/* Not 0: the process whose children are counted, and no others. */
const volatile s32 only_parent = 0;

struct cpu_process {
	u64 execs;
	u64 forks;
	u64 exits[EXIT_CLASSES];
	/* In milliseconds, the sum in nanoseconds. */
	struct hist lifetimes[EXIT_CLASSES];
	struct hist exec_latency;
	u64 execs_unmatched;
} CPU_ALIGNED;

PERCPU_TABLE(process, struct cpu_process);

struct task_struct___lifetime {
	/* Of CLOCK_MONOTONIC. */
	u64 start_time;
	struct task_struct___lifetime *group_leader;
} __attribute__((preserve_access_index));

static __always_inline bool is_counted(const struct task_struct *parent)
{
	return !only_parent || parent->tgid == only_parent;
}

/*
 * Once per process. Where the tracepoint has no second argument, the main thread's end stands for the process's:
 * signal->live is already 0 for each of several threads that end together.
 */
static __always_inline bool is_last_thread(unsigned long long *ctx, struct task_struct *task)
{
	if (bpf_core_type_exists(struct trace_event_raw_sched_process_exit))
		return (bool)ctx[1];
	return task->pid == task->tgid;
}

/* Of the code that the parent's wait() gets, as wait_task_zombie() makes it. */
static __always_inline enum exit_class exit_class(struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	int code = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : task->group_leader->exit_code;

	if (code & 0x7f)
		return EXIT_SIGNAL;
	return code & 0xff00 ? EXIT_ERROR : EXIT_SUCCESS;
}

/* The leader's: when another thread execs, it becomes the leader and takes that over. */
static __always_inline u64 started_at(struct task_struct *task)
{
	return ((struct task_struct___lifetime *)task)->group_leader->start_time;
}

static __always_inline void count_lifetime(struct hist *lifetimes, struct task_struct *task)
{
	u64 ns = bpf_ktime_get_ns() - started_at(task);

	hist_add(lifetimes, (ns + 999999) / 1000000, ns);
}

/* By task, since a thread that execs takes its process's number. One that fails leaves its stamp to the next. */
STAMP_TABLE(begun, BEGUN_BITS);

static __always_inline int begin_exec(void)
{
	u64 task = bpf_get_current_task();

	stamp_put(begun_pair(task), task, bpf_ktime_get_ns(), 0);
	return 0;
}

/* No system call is hooked, which would slow all of them down, but what every kind of exec goes through. */
SEC("fentry/do_execveat_common")
int exec_fentry(void *ctx)
{
	return begin_exec();
}

SEC("kprobe/do_execveat_common")
int exec_kprobe(void *ctx)
{
	return begin_exec();
}

static __always_inline void count_exec_latency(struct cpu_process *cpu, struct task_struct *task)
{
	u64 key = bpf_get_current_task(), begun_at;
	struct stamp *stamp = stamp_find(begun_pair(key), key);

	/*
	 * The kernel's own, of modprobe say, begin elsewhere. Such a task may lie where another one did that ended after an exec
	 * that failed: its stamp is older than the task.
	 */
	if (!stamp || (begun_at = stamp_end(stamp)) < started_at(task)) {
		add_to(&cpu->execs_unmatched, 1);
		return;
	}
	hist_add_ns(&cpu->exec_latency, bpf_ktime_get_ns() - begun_at);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec, struct task_struct *task)
{
	struct cpu_process *cpu = percpu_element(&process);

	if (!cpu || !is_counted(task->real_parent))
		return 0;
	add_to(&cpu->execs, 1);
	if (enable_exec_latency)
		count_exec_latency(cpu, task);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct cpu_process *cpu = percpu_element(&process);

	/* Threads have the process's tgid. */
	if (cpu && child->pid == child->tgid && is_counted(child->real_parent))
		add_to(&cpu->forks, 1);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *task)
{
	struct cpu_process *cpu = percpu_element(&process);
	enum exit_class class;

	if (!cpu || !is_last_thread(ctx, task) || !is_counted(task->real_parent))
		return 0;
	class = exit_class(task);
	if (enable_exits)
		add_to(&cpu->exits[class], 1);
	if (enable_lifetime)
		count_lifetime(&cpu->lifetimes[class], task);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
