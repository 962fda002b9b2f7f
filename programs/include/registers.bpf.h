/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef REGISTERS_BPF_H
#define REGISTERS_BPF_H

#include "kernel.bpf.h"

/*
 * What a kprobe or kretprobe is told of a function by the processor's registers. The same object runs on several
 * processors, so the kernel's BTF says which it is, not the compiler.
 */
struct pt_regs___x86_call {
	unsigned long di;
	unsigned long si;
	unsigned long dx;
	unsigned long ax;
} __attribute__((preserve_access_index));

struct pt_regs___arm64_call {
	u64 regs[31];
} __attribute__((preserve_access_index));

/*
 * Each processor's register is loaded by an instruction of its own: two of them would be made one, from an address that
 * is computed before, and such the verifier doesn't let a program read its context from.
 */
#define LOADED(value)                              \
	({                                         \
		u64 loaded = (value);              \
                                                   \
		asm volatile("" : "+r"(loaded));   \
		loaded;                            \
	})

/* For kprobes: the function's first argument. */
static __always_inline u64 first_argument(const void *regs)
{
	if (bpf_core_field_exists(struct pt_regs___x86_call, di))
		return LOADED(((const struct pt_regs___x86_call *)regs)->di);
	return LOADED(((const struct pt_regs___arm64_call *)regs)->regs[0]);
}

static __always_inline u64 second_argument(const void *regs)
{
	if (bpf_core_field_exists(struct pt_regs___x86_call, si))
		return LOADED(((const struct pt_regs___x86_call *)regs)->si);
	return LOADED(((const struct pt_regs___arm64_call *)regs)->regs[1]);
}

static __always_inline u64 third_argument(const void *regs)
{
	if (bpf_core_field_exists(struct pt_regs___x86_call, dx))
		return LOADED(((const struct pt_regs___x86_call *)regs)->dx);
	return LOADED(((const struct pt_regs___arm64_call *)regs)->regs[2]);
}

/* For kretprobes: what the function returned. Of a type shorter than 64 bits the upper ones may be anything. */
static __always_inline u64 return_value(const void *regs)
{
	if (bpf_core_field_exists(struct pt_regs___x86_call, ax))
		return LOADED(((const struct pt_regs___x86_call *)regs)->ax);
	return LOADED(((const struct pt_regs___arm64_call *)regs)->regs[0]);
}

#endif
