/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef STAMP_SET_BPF_H
#define STAMP_SET_BPF_H

#include "kernel.bpf.h"

/*
 * When something began, until it ends, as in stamp.bpf.h, but four stamps to a place rather than two: for what may be
 * under way many times at once, such as connections. Nothing but the time is kept.
 */

#define STAMPS_PER_SET 4

struct stamp {
	/* A socket, or a task. */
	u64 key;
	u64 started;
};

/* One cache line: where a key's stamp may be. A fifth at the same place displaces the oldest. */
struct stamp_set {
	struct stamp stamps[STAMPS_PER_SET];
} __attribute__((aligned(64)));

/* Where the key's stamp may be. A key may be a pointer: then it can be kept and compared, but not calculated with. */
static __always_inline struct stamp_set *stamp_set(void *table, u32 bits, u64 key)
{
	u32 place = lower_half(key) * 0x9e3779b1U >> (32 - bits);

	return bpf_map_lookup_elem(table, &place);
}

/* Whose stamp is displaced finds none when it ends, and counts that. */
static __always_inline void put_in(struct stamp_set *set, u64 key, u64 time)
{
	struct stamp *stamp;

	if (!set)
		return;
	stamp = &set->stamps[0];
	/* A free one has the time 0, so it is older than any other. */
	for (int i = 1; i < STAMPS_PER_SET; i++)
		if (set->stamps[i].started < stamp->started)
			stamp = &set->stamps[i];
	for (int i = 0; i < STAMPS_PER_SET; i++)
		if (set->stamps[i].key == key)
			stamp = &set->stamps[i];
	stamp->key = key;
	stamp->started = time;
}

/* The key's time, and forgets it; 0 where there is none. */
static __always_inline u64 take_from(struct stamp_set *set, u64 key)
{
	u64 started = 0;

	if (!set)
		return 0;
	for (int i = 0; i < STAMPS_PER_SET; i++) {
		struct stamp *stamp = &set->stamps[i];

		if (stamp->key != key)
			continue;
		started = stamp->started;
		stamp->key = 0;
		stamp->started = 0;
	}
	return started;
}

#endif
