// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
// Maps that the benchmark fills from user space. ENTRIES is given to the compiler, since a hash map's buckets, which a
// reading walks, follow from it.
#include "kernel.bpf.h"

struct counter_key {
	u32 device;
	u32 process;
	char operation[8];
};

struct histogram_key {
	u32 device;
	u32 process;
};

struct histogram_value {
	u64 slots[27];
	u64 sum;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ENTRIES);
	__type(key, struct counter_key);
	__type(value, u64);
} bench_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ENTRIES);
	__type(key, struct histogram_key);
	__type(value, struct histogram_value);
} bench_histos SEC(".maps");

// Without effect: an object needs a program, and a map one that uses it.
SEC("tp_btf/sched_process_exec")
int touch_maps(void *ctx)
{
	struct counter_key counter = {};
	struct histogram_key histogram = {};

	return bpf_map_lookup_elem(&bench_counters, &counter) && bpf_map_lookup_elem(&bench_histos, &histogram);
}

char LICENSE[] SEC("license") = "GPL";
