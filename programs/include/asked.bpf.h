/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef ASKED_BPF_H
#define ASKED_BPF_H

#include "kernel.bpf.h"

/*
 * When something was asked for that the kernel does once for all who asked before it took the request up. Between that
 * and the hook at which it begins it may be asked for again, for the next time: then there are two times at once.
 *
 * Neither place is the first: who asks writes only to a place that is free, and who takes frees only the one that it took,
 * so that both may do so at the same time.
 */
struct asked {
	u64 times[2];
};

static __always_inline u64 asked_at(const struct asked *asked, u32 place)
{
	return *(const volatile u64 *)&asked->times[place];
}

/* Nothing of what was asked for before is still to come. */
static __always_inline void asked_anew(struct asked *asked, u64 now)
{
	*(volatile u64 *)&asked->times[1] = 0;
	*(volatile u64 *)&asked->times[0] = now;
}

/* What was asked for before may be about to begin. */
static __always_inline void asked_again(struct asked *asked, u64 now)
{
	if (asked_at(asked, 0))
		*(volatile u64 *)&asked->times[1] = now;
	else
		*(volatile u64 *)&asked->times[0] = now;
}

/*
 * Whether what was asked for before waits, and this is for the same, or is about to begin, can't be seen: the first time is the
 * next beginning's, and the last one before that is of the beginning after it, if one comes before it is asked for anew.
 */
static __always_inline void asked_perhaps_again(struct asked *asked, u64 now)
{
	if (asked_at(asked, 0))
		*(volatile u64 *)&asked->times[1] = now;
	else
		asked_anew(asked, now);
}

/* It begins: gives the time at which it was asked for, and forgets it; 0 where that isn't known. */
static __always_inline u64 asked_take(struct asked *asked)
{
	u64 first = asked_at(asked, 0), second = asked_at(asked, 1);

	if (first && (!second || first <= second)) {
		*(volatile u64 *)&asked->times[0] = 0;
		return first;
	}
	if (second)
		*(volatile u64 *)&asked->times[1] = 0;
	return second;
}

#endif
