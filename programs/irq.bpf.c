// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "histogram.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"

/* NR_SOFTIRQS of include/linux/interrupt.h. */
#define SOFTIRQS 10

const volatile bool enable_latency = true;
const volatile bool enable_duration = true;

/* A soft interrupt runs on the CPU that it was raised on, so its times need no key. */
struct cpu_softirq {
	u64 raised[SOFTIRQS];
	u64 entered;
	struct hist latency[SOFTIRQS];
	struct hist duration[SOFTIRQS];
} CPU_ALIGNED;

PERCPU_TABLE(softirq, struct cpu_softirq);

SEC("tp_btf/softirq_raise")
int BPF_PROG(softirq_raise, unsigned int kind)
{
	struct cpu_softirq *cpu = percpu_element(&softirq);

	/* Raised again before it runs: it waits since the first time. */
	if (cpu && kind < SOFTIRQS && !cpu->raised[kind])
		cpu->raised[kind] = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/softirq_entry")
int BPF_PROG(softirq_entry, unsigned int kind)
{
	struct cpu_softirq *cpu = percpu_element(&softirq);
	u64 now, raised;

	if (!cpu || kind >= SOFTIRQS)
		return 0;
	/* Before the clock: an interrupt may raise it again at any moment, and that is then no time before now. */
	raised = enable_latency ? *(volatile u64 *)&cpu->raised[kind] : 0;
	now = bpf_ktime_get_ns();
	if (raised) {
		hist_add_ns(&cpu->latency[kind], now - raised);
		cpu->raised[kind] = 0;
	}
	if (enable_duration)
		cpu->entered = now;
	return 0;
}

SEC("tp_btf/softirq_exit")
int BPF_PROG(softirq_exit, unsigned int kind)
{
	struct cpu_softirq *cpu = percpu_element(&softirq);

	/* 0: it was running when this program was attached. */
	if (!cpu || kind >= SOFTIRQS || !cpu->entered)
		return 0;
	hist_add_ns(&cpu->duration[kind], bpf_ktime_get_ns() - cpu->entered);
	cpu->entered = 0;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
