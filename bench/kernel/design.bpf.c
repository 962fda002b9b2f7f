// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What the shipped programs are made of, each alone: the same code as theirs, at an event that costs little, so that
 * nothing but it is measured. No program of the same kind can cost less on the same processor.
 */
#include "cache.bpf.h"
#include "cgroup.bpf.h"
#include "histogram.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"
#include "queued.bpf.h"
#include "registers.bpf.h"

#define LABELS 8
#define MANY_LABELS 1024

struct cpu_numbers {
	u64 counts[LABELS];
	struct hist histograms[LABELS];
} CPU_ALIGNED;

PERCPU_TABLE(numbers, struct cpu_numbers);
CACHED_MAP(counts_by_key, u64, u64, 1024);
CACHED_MAP(histograms_by_key, u64, struct hist, 2 * MANY_LABELS);

u64 shared_count;
struct hist shared_histogram;

SEC("tp_btf/sys_exit")
int cpu_number(void *ctx)
{
	return bpf_get_smp_processor_id();
}

SEC("tp_btf/sys_exit")
int counter_shared(void *ctx)
{
	__sync_fetch_and_add(&shared_count, 1);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(counter_by_cpu, void *regs, u64 label)
{
	struct cpu_numbers *cpu = percpu_element(&numbers);

	if (cpu)
		cpu->counts[label % LABELS] += 1;
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(counter_by_key, void *regs, u64 key)
{
	u64 *count = counts_by_key_at(cache_place(key, key >> 32), key);

	if (count)
		*count += 1;
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(histogram_shared, void *regs, u64 value)
{
	u32 slot = hist_slot(value);

	__sync_fetch_and_add(&shared_histogram.slots[slot], 1);
	__sync_fetch_and_add(&shared_histogram.sum, value);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(histogram_by_cpu, void *regs, u64 value)
{
	struct cpu_numbers *cpu = percpu_element(&numbers);

	if (cpu)
		hist_add_ns(&cpu->histograms[value % LABELS], value);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(histogram_cached, void *regs, u64 value)
{
	struct hist *hist = histograms_by_key_at(cache_place(value, value >> 32), value);

	if (hist)
		hist_add_ns(hist, value);
	return 0;
}

/* The load numbers its calls. All but 64 keys are in the hash behind the cache. */
SEC("tp_btf/sys_exit")
int BPF_PROG(histogram_behind, struct pt_regs *regs, u64 value)
{
	u64 key = 1 + first_argument(regs) % MANY_LABELS;
	struct hist *hist = histograms_by_key_at(cache_place(key, 0), key);

	if (hist)
		hist_add_ns(hist, value);
	return 0;
}

/* Since 5.11. */
static struct task_struct *(*current_task)(void) = (void *)158;

SEC("tp_btf/sys_exit")
int BPF_PROG(histogram_by_cgroup, void *regs, u64 value)
{
	struct cgroup *cgroup = task_cgroup(current_task());
	struct hist *hist = histograms_by_key_at(cache_place(lower_half((u64)cgroup), 0), cgroup_id(cgroup));

	if (hist)
		hist_add_ns(hist, value);
	return 0;
}

SEC("tp_btf/sys_exit")
int clock_alone(void *ctx)
{
	return bpf_ktime_get_ns() & 1;
}

QUEUED_TABLE(queued);

SEC("tp_btf/sys_exit")
int BPF_PROG(stamp_in_line, void *regs, u64 value)
{
	u32 pid = current_task()->pid;
	struct queued_line *line = queued_line(&queued, pid);
	u64 since = queued_take(line, pid);

	queued_put(line, pid, value + 1, true, false);
	return since & 1;
}

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} by_task SEC(".maps");

/* A look-up for the stamp and one for its end, as at two hooks. */
SEC("tp_btf/sys_exit")
int BPF_PROG(stamp_in_task_storage, void *regs, u64 value)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 *stamp = bpf_task_storage_get(&by_task, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (stamp)
		*stamp = value + 1;
	stamp = bpf_task_storage_get(&by_task, task, NULL, 0);
	if (stamp)
		*stamp = 0;
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, u32);
	__type(value, u64);
} by_pid SEC(".maps");

SEC("tp_btf/sys_exit")
int BPF_PROG(stamp_in_hash, void *regs, u64 value)
{
	u32 pid = current_task()->pid;
	u64 *stamp;

	value += 1;
	bpf_map_update_elem(&by_pid, &pid, &value, 0);
	stamp = bpf_map_lookup_elem(&by_pid, &pid);
	value = stamp ? *stamp : 0;
	bpf_map_delete_elem(&by_pid, &pid);
	return value & 1;
}

char LICENSE[] SEC("license") = "GPL";
