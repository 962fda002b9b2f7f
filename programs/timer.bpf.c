// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "cache.bpf.h"
#include "kernel.bpf.h"

#define MAX_FUNCTIONS 1024

/* Not 0: the process that starts the timers, in its own system calls or while it is interrupted. */
const volatile s32 only_tgid = 0;

struct cpu_timer {
	u64 function;
} CPU_ALIGNED;

PERCPU_TABLE(timer_scratch, struct cpu_timer);
CACHED_MAP(timer_starts, u64, u64, MAX_FUNCTIONS);

/*
 * The function's address as a number. Since 6.17 the verifier takes what is loaded from a member of such a type for
 * memory, from which no index can be made; what comes out of a map is a number.
 */
static __always_inline u64 timer_function(struct timer_list *timer)
{
	struct cpu_timer *cpu = percpu_element(&timer_scratch);

	if (!cpu)
		return 0;
	*(volatile u64 *)&cpu->function = (u64)timer->function;
	return *(volatile u64 *)&cpu->function;
}

SEC("tp_btf/timer_start")
int BPF_PROG(timer_start, struct timer_list *timer)
{
	u64 *starts, function;

	if (only_tgid && current_tgid() != only_tgid)
		return 0;
	function = timer_function(timer);
	if (!function)
		return 0;
	starts = timer_starts_value(function);
	if (starts)
		*starts += 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
