// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Interrupts' handlers begin and end with interrupts off, and soft interrupts don't interrupt each other. */
#define ADDS_UNINTERRUPTED

#include "asked.bpf.h"
#include "cache.bpf.h"
#include "histogram.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"

/* NR_SOFTIRQS of include/linux/interrupt.h. */
#define SOFTIRQS 10
/* Handlers of one CPU that find their place at once, by the interrupt's number; a power of two. */
#define INTERRUPT_PLACES 64
#define MAX_INTERRUPTS 256

const volatile bool enable_latency = true;
const volatile bool enable_duration = true;

/* A soft interrupt runs on the CPU that it was raised on, so its times need no key. */
struct cpu_softirq {
	struct asked raised[SOFTIRQS];
	u64 entered;
	struct hist latency[SOFTIRQS];
	struct hist duration[SOFTIRQS];
} CPU_ALIGNED;

PERCPU_TABLE(softirq, struct cpu_softirq);

struct irqaction {
	const char *name;
} __attribute__((preserve_access_index));

struct interrupt_key {
	char name[40];
};

struct interrupt_value {
	/* Whose place it is: numbers, and the memory of actions, are given to others when a driver goes. */
	struct irqaction *action;
	const char *name;
	u64 entered;
	struct hist duration;
};

struct interrupt_entry {
	struct interrupt_key key;
	struct interrupt_value value;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, MAX_INTERRUPTS);
	__type(key, struct interrupt_key);
	__type(value, struct interrupt_value);
} interrupts SEC(".maps");

PERCPU_TABLE(interrupts_cache, struct interrupt_entry[INTERRUPT_PLACES]);
PERCPU_TABLE(interrupts_lost, struct lost_events);

static const struct interrupt_value no_interrupt;

static __always_inline void read_name(struct interrupt_key *key, const char *name)
{
	/* A key that is all zero is an empty place. */
	if (bpf_probe_read_kernel_str(key->name, sizeof(key->name), name) <= 1)
		key->name[0] = '?';
}

static __always_inline struct interrupt_value *interrupt_behind(const char *name)
{
	struct interrupt_key key = {};
	struct interrupt_value *value;

	read_name(&key, name);
	value = bpf_map_lookup_elem(&interrupts, &key);
	if (value)
		return value;
	bpf_map_update_elem(&interrupts, &key, &no_interrupt, BPF_NOEXIST);
	return bpf_map_lookup_elem(&interrupts, &key);
}

/* Where this CPU counts a handler: the first of a place stays there, those that come later are in the hash. */
static __always_inline struct interrupt_value *interrupt_value(u32 irq, struct irqaction *action)
{
	struct interrupt_entry *entry = percpu_element(&interrupts_cache);
	const char *name = action->name;

	if (!entry)
		return NULL;
	entry += irq & (INTERRUPT_PLACES - 1);
	if (entry->value.action == action && entry->value.name == name)
		return &entry->value;
	if (entry->value.action)
		return interrupt_behind(name);
	read_name(&entry->key, name);
	entry->value.name = name;
	entry->value.action = action;
	return &entry->value;
}

/* Before the raises, so that it is attached before them: a start that isn't seen would leave its raise to a later one. */
SEC("tp_btf/softirq_entry")
int BPF_PROG(softirq_entry, unsigned int kind)
{
	struct cpu_softirq *cpu = percpu_element(&softirq);
	u64 now, raised;

	if (!cpu || kind >= SOFTIRQS)
		return 0;
	/* Before the clock: an interrupt may raise it again at any moment, and that is then no time before now. */
	raised = enable_latency ? asked_take(&cpu->raised[kind]) : 0;
	now = bpf_ktime_get_ns();
	if (raised)
		hist_add_ns(&cpu->latency[kind], now - raised);
	if (enable_duration)
		cpu->entered = now;
	return 0;
}

/*
 * The CPU's soft interrupts that were raised and that it has not yet taken up, a bit each. The kernel has moved them: to a
 * variable of their own in 6.15 on x86, where they had been in pcpu_hot since 6.2; until then, and on arm64, they are in
 * irq_stat. Threads that run timers (threadirqs, PREEMPT_RT) have theirs apart, since 6.13.
 */
extern const u16 __softirq_pending __ksym __weak;
extern const unsigned long pending_timer_softirq __ksym __weak;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pcpu_hot {
	u16 softirq_pending;
};

typedef struct {
	unsigned int __softirq_pending;
} irq_cpustat_t;

#pragma clang attribute pop

extern const struct pcpu_hot pcpu_hot __ksym __weak;
extern const irq_cpustat_t irq_stat __ksym __weak;

/* Where the kernel's BTF has no variables, as in 5.10. */
#define PENDING_UNKNOWN (~0ULL)

/* As it is before the kernel has noted the raise that is traced. */
static __always_inline u64 pending_softirqs(void)
{
	const irq_cpustat_t *stat;
	u64 pending = 0;

	if (&__softirq_pending) {
		pending = *(const u16 *)bpf_this_cpu_ptr(&__softirq_pending);
	} else if (&pcpu_hot && bpf_core_field_exists(struct pcpu_hot, softirq_pending)) {
		pending = ((const struct pcpu_hot *)bpf_this_cpu_ptr(&pcpu_hot))->softirq_pending;
	} else if (&irq_stat && bpf_core_field_exists(irq_cpustat_t, __softirq_pending)) {
		/* The verifier lets nobody look through a variable whose type is a typedef. */
		stat = bpf_this_cpu_ptr(&irq_stat);
		bpf_core_read(&pending, bpf_core_field_size(stat->__softirq_pending), &stat->__softirq_pending);
	} else {
		return PENDING_UNKNOWN;
	}
	if (&pending_timer_softirq)
		pending |= *(const unsigned long *)bpf_this_cpu_ptr(&pending_timer_softirq);
	return pending;
}

SEC("tp_btf/softirq_raise")
int BPF_PROG(softirq_raise, unsigned int kind)
{
	struct cpu_softirq *cpu = percpu_element(&softirq);
	u64 pending;

	if (!cpu || kind >= SOFTIRQS)
		return 0;
	pending = pending_softirqs();
	/* Raised again before it is taken up: it waits since the first time. Else it runs once more, though it may not have begun. */
	if (pending == PENDING_UNKNOWN)
		asked_perhaps_again(&cpu->raised[kind], bpf_ktime_get_ns());
	else if (!(pending >> kind & 1))
		asked_again(&cpu->raised[kind], bpf_ktime_get_ns());
	return 0;
}

/* For kernels that have no addresses of variables (without CONFIG_KALLSYMS_ALL). */
SEC("tp_btf/softirq_raise")
int BPF_PROG(softirq_raise_unseen, unsigned int kind)
{
	struct cpu_softirq *cpu = percpu_element(&softirq);

	if (cpu && kind < SOFTIRQS)
		asked_perhaps_again(&cpu->raised[kind], bpf_ktime_get_ns());
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

SEC("tp_btf/irq_handler_entry")
int BPF_PROG(irq_handler_entry, int irq, struct irqaction *action)
{
	struct interrupt_value *value = interrupt_value(irq, action);

	/* By handler rather than by CPU: the handler of a GPIO controller, say, runs others'. */
	if (value)
		value->entered = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/irq_handler_exit")
int BPF_PROG(irq_handler_exit, int irq, struct irqaction *action)
{
	struct interrupt_value *value = interrupt_value(irq, action);

	if (!value) {
		count_lost(&interrupts_lost);
	} else if (value->entered) {
		hist_add_ns(&value->duration, bpf_ktime_get_ns() - value->entered);
		value->entered = 0;
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
