/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef PERCPU_BPF_H
#define PERCPU_BPF_H

#include "add.bpf.h"
#include "kernel.bpf.h"

/*
 * Not 0: each table is one element wide, in which those of so many CPUs lie one behind the other. Its address is then a
 * constant and the CPU's number never goes through memory to a lookup, which saves 2 ns of 7 of a counter. 0: a table has
 * an element per CPU, as where kernels limit elements to less than all CPUs' together.
 */
const volatile u32 wide_cpus = 0;

/*
 * A table in memory that user space maps and reads without a system call, the same whether it is wide or not: the first
 * element belongs to the first CPU. The loader sets its size by the possible CPUs. An ARRAY rather than a global array,
 * since every version of libbpf can resize it.
 *
 * What may interrupt an addition and add to the same number takes add_to() (add.bpf.h); else += does.
 */
#define PERCPU_TABLE(name, element)                    \
	struct {                                       \
		__uint(type, BPF_MAP_TYPE_ARRAY);      \
		__uint(map_flags, BPF_F_MMAPABLE);     \
		__uint(max_entries, 1);                \
		__type(key, u32);                      \
		__type(value, element);                \
	} name SEC(".maps")

/* Two CPUs must not share a cache line, nor the pair of lines that the processor fetches together. */
#define CPU_ALIGNED __attribute__((aligned(128)))

static __always_inline void *percpu_at(void *table, u64 size)
{
	u64 cpu = bpf_get_smp_processor_id(), cpus = wide_cpus;
	u32 index = cpus ? 0 : cpu;
	void *element = bpf_map_lookup_elem(table, &index);

	if (!cpus || !element)
		return element;
	if (cpu >= cpus)
		return NULL;
	/* Or the sum is made before the comparison, of which verifiers before 6.10 then don't see that it bounds it. */
	barrier_var(cpu);
	return element + cpu * size;
}

/* This CPU's element of a PERCPU_TABLE; NULL never happens, but the verifier asks. */
#define percpu_element(table) percpu_at(table, sizeof(*(table)->value))

#endif
