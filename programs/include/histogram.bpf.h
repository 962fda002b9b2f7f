/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HISTOGRAM_BPF_H
#define HISTOGRAM_BPF_H

#include "kernel.bpf.h"

#define HIST_SLOTS 27

/* Slot 0 counts 0 and 1, slot i counts (2^(i-1), 2^i], the last one what is above 2^25. */
struct hist {
	u64 slots[HIST_SLOTS];
	u64 sum;
};

/*
 * The number of bits of value - 1, at most 26, by halving: without a branch that depends on the value,
 * since values of neighbouring powers of two are what a branch predictor can't learn.
 */
static __always_inline u32 hist_slot(u64 value)
{
	u64 rest = value - 1, bits, half;

	if (value > 1ULL << (HIST_SLOTS - 2))
		return HIST_SLOTS - 1;
	if (value == 0)
		return 0;
	bits = ((0xffff - rest) >> 59) & 16;
	rest >>= bits;
	half = ((0xff - rest) >> 60) & 8;
	rest >>= half;
	bits += half;
	half = ((0xf - rest) >> 61) & 4;
	rest >>= half;
	bits += half;
	/* How many bits 0 to 15 have, a hexadecimal digit each. */
	bits += (0x4444444433332210ULL >> (rest << 2)) & 0xf;
	/* Never more than 25, which the verifier can't see. */
	return bits & 31;
}

/* `sum` is added as it is, so it may have a finer unit than the slots. */
static __always_inline void hist_add(struct hist *hist, u64 value, u64 sum)
{
	u32 slot = hist_slot(value);

	if (slot < HIST_SLOTS)
		hist->slots[slot] += 1;
	hist->sum += sum;
}

/*
 * Nanoseconds in slots of microseconds, up to the next whole one: a bucket's upper bound is inclusive, and 1001 ns are
 * more than 1 us. / 1000 is / 8 / 125, and / 125 a multiplication that is exact up to 39 s: clang leaves a division
 * to the processor, and that takes 10 ns on some.
 *
 * A difference of two times may be below 0, which counts as 0 rather than as centuries: the kernel's fast clock goes
 * back a little where its slope is corrected (ktime_get_mono_fast_ns), and one CPU's may be ahead of another's.
 */
static __always_inline void hist_add_ns(struct hist *hist, u64 difference)
{
	u64 last_bound = 1000ULL << (HIST_SLOTS - 2);
	u64 ns = (s64)difference < 0 ? 0 : difference;
	u64 us = ns > last_bound ? last_bound : ((ns + 999) >> 3) * 1099511628 >> 37;

	hist_add(hist, us, ns);
}

#endif
