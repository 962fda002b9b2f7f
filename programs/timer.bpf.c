// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Timers are started with interrupts off. */
#define ADDS_UNINTERRUPTED

#include "cache.bpf.h"
#include "kernel.bpf.h"

#define MAX_FUNCTIONS 1024

/* Not 0: the process that is running when a timer is started, even if an interrupt starts it. */
const volatile s32 only_tgid = 0;

CACHED_MAP(timer_starts, u64, u64, MAX_FUNCTIONS);

SEC("tp_btf/timer_start")
int BPF_PROG(timer_start, struct timer_list *timer)
{
	u64 *starts, function;

	if (only_tgid && current_tgid() != only_tgid)
		return 0;
	function = (u64)timer->function;
	starts = timer_starts_at(cache_place(lower_half(function), 0), function);
	if (starts)
		add_to(starts, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
