// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "cache.bpf.h"
#include "histogram.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"
#include "registers.bpf.h"
#include "stamp.bpf.h"

/* Any user may give a process any name, so there is an end to them. */
#define MAX_NAMES 1024
/* enum vm_fault_reason of include/linux/mm_types.h: the page had to be read. */
#define VM_FAULT_MAJOR 4

struct cpu_swap {
	struct hist fault;
} CPU_ALIGNED;

struct swap_key {
	char name[16];
};

PERCPU_TABLE(swap, struct cpu_swap);
PERCPU_TABLE(swap_faults_lost, struct lost_events);
PERCPU_TABLE(swap_reads_lost, struct lost_events);
STAMP_TABLE(faults, 10);

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, MAX_NAMES);
	__type(key, struct swap_key);
	__type(value, u64);
} swap_reads SEC(".maps");

/* A task is in one fault at a time. */
static __always_inline u64 fault_key(void)
{
	return bpf_get_current_task();
}

static __always_inline int begin(void)
{
	u64 key = fault_key();

	/* Displaced: another's that is under way, or one of its own whose return was missed. */
	if (stamp_put(faults_pair(key), key, bpf_ktime_get_ns(), 0))
		count_lost(&swap_faults_lost);
	return 0;
}

static __always_inline int end(u32 result)
{
	u64 key = fault_key();
	struct stamp *stamp = stamp_find(faults_pair(key), key);
	struct cpu_swap *cpu = percpu_element(&swap);
	u64 begun;

	/* NULL: it was under way when this program was attached, or its stamp was displaced, which is counted. */
	if (!stamp || !cpu)
		return 0;
	begun = stamp_end(stamp);
	if (result & VM_FAULT_MAJOR)
		hist_add_ns(&cpu->fault, bpf_ktime_get_ns() - begun);
	return 0;
}

static __always_inline int count_read(void)
{
	static const u64 zero;
	struct swap_key key = {};
	u64 *reads;

	bpf_get_current_comm(key.name, sizeof(key.name));
	reads = bpf_map_lookup_elem(&swap_reads, &key);
	if (!reads) {
		bpf_map_update_elem(&swap_reads, &key, &zero, BPF_NOEXIST);
		reads = bpf_map_lookup_elem(&swap_reads, &key);
	}
	if (reads)
		add_to(reads, 1);
	else
		count_lost(&swap_reads_lost);
	return 0;
}

SEC("fentry/do_swap_page")
int BPF_PROG(do_swap_page_fentry)
{
	return begin();
}

SEC("fexit/do_swap_page")
int BPF_PROG(do_swap_page_fexit, const void *fault, u32 result)
{
	return end(result);
}

SEC("kprobe/do_swap_page")
int do_swap_page_kprobe(void *ctx)
{
	return begin();
}

SEC("kretprobe/do_swap_page")
int do_swap_page_kretprobe(void *ctx)
{
	return end(return_value(ctx));
}

SEC("fentry/swap_read_folio")
int BPF_PROG(swap_read_folio_fentry)
{
	return count_read();
}

SEC("kprobe/swap_read_folio")
int swap_read_folio_kprobe(void *ctx)
{
	return count_read();
}

/* Until 6.10, when pages became folios. */
SEC("fentry/swap_readpage")
int BPF_PROG(swap_readpage_fentry)
{
	return count_read();
}

SEC("kprobe/swap_readpage")
int swap_readpage_kprobe(void *ctx)
{
	return count_read();
}

char LICENSE[] SEC("license") = "GPL";
