/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef PERCPU_BPF_H
#define PERCPU_BPF_H

#include "kernel.bpf.h"

/*
 * A table in memory that user space maps and reads without a system call: element i belongs to CPU i.
 * The loader sets max_entries to the possible CPUs. An ARRAY rather than a global array, since every
 * version of libbpf can resize it and the verifier inlines its lookup.
 *
 * Plain additions are enough: a program doesn't nest in itself on a CPU, and no two programs that may
 * interrupt each other write the same number.
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

/* This CPU's element of a PERCPU_TABLE; NULL never happens, but the verifier asks. */
static __always_inline void *percpu_element(void *table)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(table, &cpu);
}

#endif
