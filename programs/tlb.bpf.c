// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kernel.bpf.h"
#include "percpu.bpf.h"

/* enum tlb_flush_reason has 6 in Linux 6.18. */
#define REASONS 16

/* Not 0: the process that is counted, by what runs on the CPU whose entries go. */
const volatile s32 only_tgid = 0;

struct cpu_tlb {
	u64 flushes[REASONS];
} CPU_ALIGNED;

PERCPU_TABLE(tlb, struct cpu_tlb);

SEC("tp_btf/tlb_flush")
int BPF_PROG(tlb_flush, int reason)
{
	struct cpu_tlb *cpu = percpu_element(&tlb);

	if (cpu && (!only_tgid || current_tgid() == only_tgid))
		add_to(&cpu->flushes[reason & (REASONS - 1)], 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
