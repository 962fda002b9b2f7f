// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "cache.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"

/* Any user may give a process any name, so there is an end to them. */
#define MAX_NAMES 4096

enum fault_mode { FAULT_USER, FAULT_KERNEL };

struct fault_key {
	char name[16];
	u64 mode;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, MAX_NAMES);
	__type(key, struct fault_key);
	__type(value, u64);
} page_faults SEC(".maps");

PERCPU_TABLE(page_faults_lost, struct lost_events);

static const u64 zero;

static __always_inline void count_fault(enum fault_mode mode)
{
	struct fault_key key = { .mode = mode };
	u64 *faults;

	bpf_get_current_comm(key.name, sizeof(key.name));
	faults = bpf_map_lookup_elem(&page_faults, &key);
	if (!faults) {
		bpf_map_update_elem(&page_faults, &key, &zero, BPF_NOEXIST);
		faults = bpf_map_lookup_elem(&page_faults, &key);
	}
	if (faults)
		add_to(faults, 1);
	else
		count_lost(&page_faults_lost);
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(page_fault_user)
{
	count_fault(FAULT_USER);
	return 0;
}

SEC("tp_btf/page_fault_kernel")
int BPF_PROG(page_fault_kernel)
{
	count_fault(FAULT_KERNEL);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
