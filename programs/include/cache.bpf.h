/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef CACHE_BPF_H
#define CACHE_BPF_H

#include "percpu.bpf.h"

#define CACHE_BITS 6
#define CACHE_SLOTS (1 << CACHE_BITS)

/* Of a key's two words, 0 … CACHE_SLOTS - 1; by Fibonacci hashing, since the upper bits of a product depend on all below. */
static __always_inline u32 cache_place(u32 low, u32 high)
{
	return (low + high * 31) * 0x9e3779b1U >> (32 - CACHE_BITS);
}

struct lost_events {
	u64 events;
} CPU_ALIGNED;

static __always_inline void count_lost_events(void *table, u64 events)
{
	struct lost_events *lost = percpu_at(table, sizeof(*lost));

	/* By all programs of an object, of which one may interrupt another. */
	if (lost)
		__sync_fetch_and_add(&lost->events, events);
}

static __always_inline void count_lost(void *table)
{
	count_lost_events(table, 1);
}

/*
 * Takes an empty place for a key. What interrupts this on its CPU may find the place empty too: whichever adds second sees
 * another sum than its key, and gives way. No exchange of values, which programs don't have before Linux 5.12.
 */
static __always_inline bool claim_place(u64 *place, u64 key)
{
	__sync_fetch_and_add(place, key);
	if (*(volatile u64 *)place == key)
		return true;
	__sync_fetch_and_add(place, -key);
	return false;
}

/* One histogram and its key have 232 bytes: 256 are found by a shift, and no multiplication is waited for. */
#define CACHE_ALIGNMENT(value_size) ((value_size) > 128 && (value_size) <= 248 ? 256 : 8)

/*
 * A map by key with a direct-mapped cache in front of it, both per CPU. The first key to come to a place of the
 * cache stays there and costs a comparison from then on; others of the same place go to the hash. User space
 * adds both up by key. A key is 8 bytes, and never all zero: that marks an empty place.
 *
 * Defines the maps `name` and `name_cache`, and name_at(place, key): where this CPU counts the key whose cache_place()
 * that is; NULL where the map is full, which is counted in the table `name_lost`.
 */
#define CACHED_MAP(name, key_type, value_type, entries)                                              \
	struct {                                                                                     \
		__uint(type, BPF_MAP_TYPE_PERCPU_HASH);                                              \
		__uint(max_entries, entries);                                                        \
		__type(key, key_type);                                                               \
		__type(value, value_type);                                                           \
	} name SEC(".maps");                                                                         \
                                                                                                     \
	struct name##_entry {                                                                        \
		key_type key __attribute__((aligned(8)));                                            \
		value_type value;                                                                    \
	} __attribute__((aligned(CACHE_ALIGNMENT(sizeof(value_type)))));                             \
                                                                                                     \
	PERCPU_TABLE(name##_cache, struct name##_entry[CACHE_SLOTS]);                                \
	PERCPU_TABLE(name##_lost, struct lost_events);                                               \
                                                                                                     \
	static const value_type name##_zero;                                                         \
                                                                                                     \
	/* On the stack only here: a key that is stored for nothing may hold up the cache's. */      \
	static __always_inline value_type *name##_behind(u64 wanted)                                         \
	{                                                                                            \
		u64 key = wanted;                                                                    \
		value_type *value = bpf_map_lookup_elem(&name, &key);                                \
                                                                                                     \
		if (value)                                                                           \
			return value;                                                                \
		bpf_map_update_elem(&name, &key, &name##_zero, BPF_NOEXIST);                         \
		value = bpf_map_lookup_elem(&name, &key);                                            \
		if (!value)                                                                          \
			count_lost(&name##_lost);                                                    \
		return value;                                                                        \
	}                                                                                            \
                                                                                                     \
	static __always_inline value_type *name##_at(u32 place, key_type key)                        \
	{                                                                                            \
		struct name##_entry *entry = percpu_element(&name##_cache);                          \
		u64 wanted, held;                                                                    \
                                                                                                     \
		_Static_assert(sizeof(key_type) == 8, "a cache's key has 8 bytes");                  \
		if (!entry)                                                                          \
			return NULL;                                                                 \
		__builtin_memcpy(&wanted, &key, 8);                                                  \
		entry += place & (CACHE_SLOTS - 1);                                                  \
		__builtin_memcpy(&held, __builtin_assume_aligned(&entry->key, 8), 8);                \
		if (held == wanted)                                                                  \
			return &entry->value;                                                        \
		if (held || !claim_place((u64 *)&entry->key, wanted))                                \
			return name##_behind(wanted);                                                \
		return &entry->value;                                                                \
	}                                                                                            \
	struct name##_entry

#endif
