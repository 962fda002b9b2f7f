// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "cache.bpf.h"
#include "histogram.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"
#include "stamp.bpf.h"

/* include/trace/events/lock.h: a lock's type is the sum of its flags. */
#define LCB_F_SPIN 1
#define LCB_F_MUTEX 32
#define TYPES 64

/* Not 0: the process that is counted, by what waits, or is interrupted by what waits. */
const volatile s32 only_tgid = 0;

struct cpu_lock {
	struct hist contention[TYPES];
} CPU_ALIGNED;

PERCPU_TABLE(lock_contention, struct cpu_lock);
PERCPU_TABLE(lock_contention_lost, struct lost_events);
STAMP_TABLE(waits, 11);

/* A task may wait for a spinlock in an interrupt while it waits for another lock, and several tasks for one. */
static __always_inline u64 wait_key(u64 lock)
{
	return lock ^ bpf_get_current_task() * 0x9e3779b97f4a7c15ULL;
}

/* A mutex says that it spins, then that it sleeps, and again: one wait, that ends once. */
static __always_inline u32 lock_type(u32 flags)
{
	return (flags & LCB_F_MUTEX ? flags & ~LCB_F_SPIN : flags) & (TYPES - 1);
}

/* First, so that it is attached first: a mutex keeps the time of a begin whose end isn't seen for the task's next wait. */
SEC("tp_btf/contention_end")
int BPF_PROG(contention_end, void *lock)
{
	u64 key = wait_key((u64)lock);
	struct stamp *stamp = stamp_find(waits_pair(key), key);
	struct cpu_lock *cpu = percpu_element(&lock_contention);
	u64 type;

	/* NULL: it waited when this program was attached, or its stamp was displaced, which is counted. */
	if (!stamp || !cpu)
		return 0;
	type = *(volatile u64 *)&stamp->detail & (TYPES - 1);
	hist_add_ns(&cpu->contention[type], bpf_ktime_get_ns() - stamp_end(stamp));
	return 0;
}

SEC("tp_btf/contention_begin")
int BPF_PROG(contention_begin, void *lock, unsigned int flags)
{
	u64 key = wait_key((u64)lock);
	struct stamp_pair *pair = waits_pair(key);

	if (only_tgid && current_tgid() != only_tgid)
		return 0;
	if (flags & LCB_F_MUTEX && stamp_find(pair, key))
		return 0;
	if (stamp_put(pair, key, bpf_ktime_get_ns(), lock_type(flags)))
		count_lost(&lock_contention_lost);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
