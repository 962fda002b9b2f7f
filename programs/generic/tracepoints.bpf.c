// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Events of any tracepoints. User space numbers them, and loads this program once for each, with its number. Cookies
 * would need Linux 6.10, and a lookup by a constant is cheaper.
 */
#include "add.bpf.h"
#include "kernel.bpf.h"

enum { BPF_MAP_TYPE_PERCPU_ARRAY = 6 };

const volatile u32 only_slot = 0;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} tracepoint_events SEC(".maps");

SEC("?raw_tp")
int count_events(void *ctx)
{
	u32 slot = only_slot;
	u64 *events = bpf_map_lookup_elem(&tracepoint_events, &slot);

	if (events)
		add_to(events, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
