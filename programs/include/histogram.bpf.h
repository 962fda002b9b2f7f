/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HISTOGRAM_BPF_H
#define HISTOGRAM_BPF_H

#include "add.bpf.h"
#include "kernel.bpf.h"

#define HIST_SLOTS 27

/* Slot 0 counts 0 and 1, slot i counts (2^(i-1), 2^i], the last one what is above 2^25. */
struct hist {
	u64 slots[HIST_SLOTS];
	u64 sum;
};

/* 1 if a number below 2^63 is above the bound, which is too. */
static __always_inline u64 hist_is_above(u64 number, u64 bound)
{
	return (bound - number) >> 63;
}

/*
 * How many of the bounds unit × 2^0 … unit × 2^25 a number of 1 to 2^63 - 1 is above: first of every fifth, then of those
 * that follow the last of these. The comparisons don't wait for each other, as the steps of a logarithm by halving do,
 * and none is a branch, since values of neighbouring powers of two are what a branch predictor can't learn.
 *
 * value > bound × 2^n is value - 1 >= bound × 2^n, and so (value - 1) >> n >= bound: bits that are shifted out don't matter.
 */
static __always_inline u64 hist_slot_of(u64 value, u64 unit)
{
	u64 rest = value - 1, fives, slot;

	fives = hist_is_above(rest, (unit << 5) - 1) + hist_is_above(rest, (unit << 10) - 1);
	fives += hist_is_above(rest, (unit << 15) - 1) + hist_is_above(rest, (unit << 20) - 1);
	slot = fives * 5;
	rest >>= slot;
	slot += hist_is_above(rest, unit - 1) + hist_is_above(rest, (unit << 1) - 1);
	slot += hist_is_above(rest, (unit << 2) - 1) + hist_is_above(rest, (unit << 3) - 1);
	/* Only above the fourth five is there a sixth. */
	slot += hist_is_above(rest, (unit << 4) - 1) + hist_is_above(rest, (unit << 5) - 1);
	return slot;
}

static __always_inline u64 hist_slot(u64 value)
{
	if ((s64)value <= 0)
		return value ? HIST_SLOTS - 1 : 0;
	return hist_slot_of(value, 1);
}

/* `sum` is added as it is, so it may have a finer unit than the slots. */
static __always_inline void hist_add(struct hist *hist, u64 value, u64 sum)
{
	add_to(&hist->slots[hist_slot(value)], 1);
	add_to(&hist->sum, sum);
}

/*
 * Nanoseconds in slots of microseconds, whose upper bounds are inclusive: 1001 ns are more than 1 us. Without a division,
 * which takes 10 ns on some processors.
 *
 * A difference of two times may be below 0, which counts as 0 rather than as centuries: the kernel's fast clock goes
 * back a little where its slope is corrected (ktime_get_mono_fast_ns), and one CPU's may be ahead of another's.
 */
static __always_inline void hist_add_ns(struct hist *hist, u64 difference)
{
	if ((s64)difference <= 0) {
		add_to(&hist->slots[0], 1);
		return;
	}
	add_to(&hist->slots[hist_slot_of(difference, 1000)], 1);
	add_to(&hist->sum, difference);
}

#endif
