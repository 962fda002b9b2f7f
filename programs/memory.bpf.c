// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* No interrupt frees or compacts memory. */
#define ADDS_UNINTERRUPTED

#include "cache.bpf.h"
#include "histogram.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"
#include "stamp.bpf.h"

#define MAX_NAMES 1024
#define PF_KTHREAD 0x00200000

enum compaction { COMPACTION_DIRECT, COMPACTION_BACKGROUND, COMPACTIONS };

/* What a task may be in, one inside another: with the task's address, which is a multiple of 64, a stamp's key. */
enum wait { WAIT_RECLAIM = 1, WAIT_CGROUP_RECLAIM, WAIT_COMPACTION };

struct cpu_memory {
	struct hist reclaim;
	struct hist cgroup_reclaim;
	struct hist compaction[COMPACTIONS];
	u64 lost;
} CPU_ALIGNED;

struct oom_key {
	char name[16];
};

PERCPU_TABLE(memory, struct cpu_memory);
PERCPU_TABLE(oom_kills_lost, struct lost_events);
STAMP_TABLE(waits, 10);

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, MAX_NAMES);
	__type(key, struct oom_key);
	__type(value, u64);
} oom_kills SEC(".maps");

struct task_struct___memory {
	unsigned int flags;
	char comm[16];
} __attribute__((preserve_access_index));

/* Since 6.9, when the tracepoint's first argument became the task; until then it is the task's number. */
struct trace_event_raw_mark_victim {
	unsigned int uid;
} __attribute__((preserve_access_index));

static __always_inline void begin(enum wait wait)
{
	u64 key = bpf_get_current_task() + wait;
	struct cpu_memory *cpu = percpu_element(&memory);

	if (stamp_put(waits_pair(key), key, bpf_ktime_get_ns(), 0) && cpu)
		add_to(&cpu->lost, 1);
}

/* NULL: it was under way when this program was attached, or its stamp was displaced, which is counted. */
static __always_inline void end(enum wait wait, struct hist *hist)
{
	u64 key = bpf_get_current_task() + wait;
	struct stamp *stamp = stamp_find(waits_pair(key), key);

	if (stamp)
		hist_add_ns(hist, bpf_ktime_get_ns() - stamp_end(stamp));
}

SEC("tp_btf/mm_vmscan_direct_reclaim_begin")
int BPF_PROG(mm_vmscan_direct_reclaim_begin)
{
	begin(WAIT_RECLAIM);
	return 0;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_end")
int BPF_PROG(mm_vmscan_direct_reclaim_end)
{
	struct cpu_memory *cpu = percpu_element(&memory);

	if (cpu)
		end(WAIT_RECLAIM, &cpu->reclaim);
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int BPF_PROG(mm_vmscan_memcg_reclaim_begin)
{
	begin(WAIT_CGROUP_RECLAIM);
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int BPF_PROG(mm_vmscan_memcg_reclaim_end)
{
	struct cpu_memory *cpu = percpu_element(&memory);

	if (cpu)
		end(WAIT_CGROUP_RECLAIM, &cpu->cgroup_reclaim);
	return 0;
}

SEC("tp_btf/mm_compaction_begin")
int BPF_PROG(mm_compaction_begin)
{
	begin(WAIT_COMPACTION);
	return 0;
}

SEC("tp_btf/mm_compaction_end")
int BPF_PROG(mm_compaction_end)
{
	struct task_struct___memory *task = (void *)bpf_get_current_task();
	struct cpu_memory *cpu = percpu_element(&memory);

	if (!cpu)
		return 0;
	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		end(WAIT_COMPACTION, &cpu->compaction[COMPACTION_BACKGROUND]);
	else
		end(WAIT_COMPACTION, &cpu->compaction[COMPACTION_DIRECT]);
	return 0;
}

static __always_inline void count_kill(const struct oom_key *key)
{
	static const u64 zero;
	u64 *kills = bpf_map_lookup_elem(&oom_kills, key);

	if (!kills) {
		bpf_map_update_elem(&oom_kills, key, &zero, BPF_NOEXIST);
		kills = bpf_map_lookup_elem(&oom_kills, key);
	}
	if (kills)
		add_to(kills, 1);
	else
		count_lost(&oom_kills_lost);
}

SEC("tp_btf/mark_victim")
int BPF_PROG(mark_victim)
{
	struct oom_key key = {};

	if (bpf_core_field_exists(struct trace_event_raw_mark_victim, uid)) {
		struct task_struct___memory *task = (void *)ctx[0];

		bpf_probe_read_kernel_str(key.name, sizeof(key.name), task->comm);
	}
	count_kill(&key);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
