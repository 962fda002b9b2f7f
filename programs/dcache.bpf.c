// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kernel.bpf.h"
#include "percpu.bpf.h"
#include "registers.bpf.h"

/* Not 0: the process that is counted. */
const volatile s32 only_tgid = 0;

struct cpu_dcache {
	u64 lookups;
	u64 slow;
	u64 misses;
} CPU_ALIGNED;

PERCPU_TABLE(dcache, struct cpu_dcache);

/* This CPU's counts; NULL where the process isn't counted. */
static __always_inline struct cpu_dcache *counts(void)
{
	return only_tgid && current_tgid() != only_tgid ? NULL : percpu_element(&dcache);
}

static __always_inline int count_lookup(void)
{
	struct cpu_dcache *cpu = counts();

	if (cpu)
		add_to(&cpu->lookups, 1);
	return 0;
}

static __always_inline int count_slow(void)
{
	struct cpu_dcache *cpu = counts();

	if (cpu)
		add_to(&cpu->slow, 1);
	return 0;
}

static __always_inline int count_result(u64 dentry)
{
	struct cpu_dcache *cpu = dentry ? NULL : counts();

	if (cpu)
		add_to(&cpu->misses, 1);
	return 0;
}

SEC("fentry/lookup_fast")
int BPF_PROG(lookup_fast_fentry)
{
	return count_lookup();
}

SEC("kprobe/lookup_fast")
int lookup_fast_kprobe(void *ctx)
{
	return count_lookup();
}

SEC("fentry/__lookup_slow")
int BPF_PROG(lookup_slow_fentry)
{
	return count_slow();
}

SEC("kprobe/__lookup_slow")
int lookup_slow_kprobe(void *ctx)
{
	return count_slow();
}

SEC("fexit/d_lookup")
int BPF_PROG(d_lookup_fexit, const void *parent, const void *name, const void *dentry)
{
	return count_result((u64)dentry);
}

SEC("kretprobe/d_lookup")
int d_lookup_kretprobe(void *ctx)
{
	return count_result(return_value(ctx));
}

char LICENSE[] SEC("license") = "GPL";
