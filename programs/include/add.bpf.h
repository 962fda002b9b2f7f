/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef ADD_BPF_H
#define ADD_BPF_H

#include "kernel.bpf.h"

/*
 * Adding to a number that only one CPU writes. What interrupts an addition between its reading and its writing, and adds to
 * the same number, is lost unless the addition is one instruction, which costs 1 to 3 ns more. Who may that be?
 *
 * - The program itself. Since Linux 6.1 (05b24ff9b2cf) the kernel doesn't run a tracepoint's program on a CPU that runs it
 *   already, but counts it as missed (recursion_misses); nor since 5.12 (ca06f55b9002) one of fentry and fexit. Older ones run
 *   a tracepoint's in an interrupt in the midst of itself. Kprobes have kept each other out for longer.
 * - Another program that adds to the same number. Tracepoints and kprobes run with preemption off, so only one in an interrupt;
 *   fentry and fexit may be preempted since 5.11, so any of those too.
 *
 * A program may tell by one of these, ahead of its headers: */
#if defined(ADDS_UNINTERRUPTED)
/* Interrupts are off, or no hook that adds to the same number is called in any. */
static const bool may_nest = false;
#elif defined(ADDS_SHARED)
/* Several programs that may interrupt or preempt one another add to the same number. */
static const bool may_nest = true;
#else
/* Set by the loader, by the kernel. */
const volatile bool may_nest = true;
#endif

static __always_inline void add_to(u64 *number, u64 by)
{
	if (may_nest)
		__sync_fetch_and_add(number, by);
	else
		*number += by;
}

#endif
