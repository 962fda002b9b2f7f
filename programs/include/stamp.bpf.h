/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef STAMP_BPF_H
#define STAMP_BPF_H

#include "kernel.bpf.h"

/* When something began, until it ends; `detail` is what else must be known by then. A key is never 0. */
struct stamp {
	u64 key;
	u64 time;
	u64 detail;
};

/* One cache line: where a key's stamp may be. */
struct stamp_pair {
	struct stamp stamps[2];
	/* How many are putting a stamp here. */
	u64 writers;
} __attribute__((aligned(64)));

/*
 * Stamps of 2^bits × 2 keys, found by the key's hash: a tenth of the cost of a hash map, of which each would be
 * put in and deleted. A third key of the same place displaces the older stamp.
 *
 * Of two CPUs that put at a place at once one gives way, or both, which counts as if they had been displaced: else the one's
 * stamp would be lost uncounted, or its key be left with the other's detail. Who ends a stamp waits for nobody; one that is
 * displaced in the same nanoseconds may get the other's time.
 */
#define STAMP_TABLE(name, bits)                           \
	struct {                                          \
		__uint(type, BPF_MAP_TYPE_ARRAY);         \
		__uint(max_entries, 1 << (bits));         \
		__type(key, u32);                         \
		__type(value, struct stamp_pair);         \
	} name SEC(".maps");                              \
                                                          \
	static __always_inline struct stamp_pair *name##_pair(u64 key)                            \
	{                                                                                         \
		u32 place = stamp_hash(key) >> (32 - (bits));                                     \
                                                                                                  \
		return bpf_map_lookup_elem(&name, &place);                                        \
	}                                                                                         \
	struct stamp_pair

/* A product's upper bits depend on all of it. */
static __always_inline u32 stamp_hash(u64 key)
{
	return lower_half(key) * 0x9e3779b1U;
}

/* Of several at once each sees another, or all but one do. */
static __always_inline bool is_only_writer(struct stamp_pair *pair)
{
	__sync_fetch_and_add(&pair->writers, 1);
	return *(volatile u64 *)&pair->writers == 1;
}

static __always_inline void end_writing(struct stamp_pair *pair)
{
	__sync_fetch_and_add(&pair->writers, -1);
}

/* Returns whether a stamp was lost that had not ended: it was displaced, another's or the key's own, or this one wasn't put. */
static __always_inline bool stamp_put(struct stamp_pair *pair, u64 key, u64 time, u64 detail)
{
	struct stamp *stamp, *other;
	bool displaced;

	if (!pair)
		return false;
	if (!is_only_writer(pair)) {
		end_writing(pair);
		return true;
	}
	stamp = &pair->stamps[0];
	other = &pair->stamps[1];
	if (other->key == key || (stamp->key != key && stamp->key && (!other->key || other->time < stamp->time)))
		stamp = other;
	displaced = stamp->key;
	stamp->time = time;
	stamp->detail = detail;
	stamp->key = key;
	end_writing(pair);
	return displaced;
}

/* A key's stamp, which stamp_end() ends; NULL: there is none. */
static __always_inline struct stamp *stamp_find(struct stamp_pair *pair, u64 key)
{
	if (!pair)
		return NULL;
	if (pair->stamps[0].key == key)
		return &pair->stamps[0];
	return pair->stamps[1].key == key ? &pair->stamps[1] : NULL;
}

/* Gives the stamp's time, read before its place is free: another CPU may put another key's there at once. */
static __always_inline u64 stamp_end(struct stamp *stamp)
{
	u64 time = *(volatile u64 *)&stamp->time;

	*(volatile u64 *)&stamp->key = 0;
	return time;
}

#endif
