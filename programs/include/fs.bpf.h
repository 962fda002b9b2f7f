/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef FS_BPF_H
#define FS_BPF_H

/* Any of the programs at functions of a file system may be preempted by another. */
#define ADDS_SHARED

#include "cache.bpf.h"
#include "histogram.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"
#include "registers.bpf.h"
#include "stamp.bpf.h"

/* What the programs on file systems have in common: an operation's begin and end, by whatever hooks these are seen. */

/* Any user may give a process any name, so there is an end to them. */
#define MAX_SLOW 1024

/* include/linux/errno.h: the operation has begun, and ends elsewhere. */
#define EIOCBQUEUED 529
/* An operation that must not wait would have to; it is tried again by another task. */
#define EAGAIN 11

enum fs_type { FS_EXT4, FS_XFS, FS_BTRFS, FS_NFS, FS_TYPES };
enum fs_operation { FS_OPEN, FS_FSYNC, FS_READ, FS_WRITE, FS_OPERATIONS };

/* An operation that takes so many microseconds or more is slow. */
const volatile u32 slow_us = 10000;
const volatile bool enable_slow = true;
/* Not 0: the process that is counted. */
const volatile s32 only_tgid = 0;

struct slow_key {
	u32 type;
	u32 operation;
	char name[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, MAX_SLOW);
	__type(key, struct slow_key);
	__type(value, u64);
} slow_operations SEC(".maps");

PERCPU_TABLE(slow_operations_lost, struct lost_events);
PERCPU_TABLE(operations_lost, struct lost_events);
STAMP_TABLE(operations, 11);

/*
 * Operations may be one in another in a task: a write that is synchronous syncs, one file system may lie on another. A
 * task's address is a multiple of 64.
 */
static __always_inline u64 fs_key(enum fs_type type, enum fs_operation operation)
{
	return bpf_get_current_task() + (type * FS_OPERATIONS + operation) + 1;
}

/* `detail` is what fs_detail() gives until its end. */
static __always_inline void fs_begin_with(enum fs_type type, enum fs_operation operation, u64 detail)
{
	u64 key;

	if (only_tgid && current_tgid() != only_tgid)
		return;
	key = fs_key(type, operation);
	/* Displaced: another's that is under way, or one of its own whose return was missed. */
	if (stamp_put(operations_pair(key), key, bpf_ktime_get_ns(), detail))
		count_lost(&operations_lost);
}

static __always_inline void fs_begin(enum fs_type type, enum fs_operation operation)
{
	fs_begin_with(type, operation, 0);
}

/* One that isn't counted begins: nor is one before it whose return was missed. */
static __always_inline void fs_skip(enum fs_type type, enum fs_operation operation)
{
	u64 key = fs_key(type, operation);
	struct stamp *stamp = stamp_find(operations_pair(key), key);

	if (stamp)
		stamp_end(stamp);
}

/* Of the operation that is under way; 0: its begin was not seen. */
static __always_inline u64 fs_detail(enum fs_type type, enum fs_operation operation)
{
	u64 key = fs_key(type, operation);
	struct stamp *stamp = stamp_find(operations_pair(key), key);

	return stamp ? stamp->detail : 0;
}

static __always_inline void count_slow(enum fs_type type, enum fs_operation operation)
{
	static const u64 zero;
	struct slow_key key = { .type = type, .operation = operation };
	u64 *slow;

	bpf_get_current_comm(key.name, sizeof(key.name));
	slow = bpf_map_lookup_elem(&slow_operations, &key);
	if (!slow) {
		bpf_map_update_elem(&slow_operations, &key, &zero, BPF_NOEXIST);
		slow = bpf_map_lookup_elem(&slow_operations, &key);
	}
	if (slow)
		add_to(slow, 1);
	else
		count_lost(&slow_operations_lost);
}

/* `hist` is where the operation is counted if `enabled`; `result` is what it returned. */
static __always_inline void fs_end(enum fs_type type, enum fs_operation operation, struct hist *hist, bool enabled,
				   s64 result)
{
	u64 key = fs_key(type, operation), begun, ns;
	struct stamp *stamp = stamp_find(operations_pair(key), key);

	/* NULL: it was under way when this program was attached, or its stamp was displaced, which is counted. */
	if (!stamp)
		return;
	begun = stamp_end(stamp);
	if (result == -EIOCBQUEUED || result == -EAGAIN)
		return;
	ns = bpf_ktime_get_ns() - begun;
	if (enabled)
		hist_add_ns(hist, ns);
	if (enable_slow && (s64)ns >= (s64)slow_us * 1000)
		count_slow(type, operation);
}

/*
 * The BPF programs of one operation of one file system: NAME_fentry and NAME_fexit, NAME_kprobe and NAME_kretprobe.
 * end(type, result) is a function of the program's own; `arguments` is how many the kernel's function has, and wanted(first)
 * tells by the first of them whether the call is to be counted.
 */
#define FS_OPERATION_IF(wanted, name, type, operation, function, arguments, end) \
	SEC("fentry/" #function)                                                 \
	int BPF_PROG(name##_fentry)                                              \
	{                                                                        \
		if (wanted(ctx[0]))                                              \
			fs_begin(type, operation);                               \
		else                                                             \
			fs_skip(type, operation);                                \
		return 0;                                                        \
	}                                                                        \
                                                                                 \
	SEC("fexit/" #function)                                                  \
	int BPF_PROG(name##_fexit)                                               \
	{                                                                        \
		end(type, (s64)ctx[arguments]);                                  \
		return 0;                                                        \
	}                                                                        \
                                                                                 \
	SEC("kprobe/" #function)                                                 \
	int name##_kprobe(void *ctx)                                             \
	{                                                                        \
		if (wanted(first_argument(ctx)))                                 \
			fs_begin(type, operation);                               \
		else                                                             \
			fs_skip(type, operation);                                \
		return 0;                                                        \
	}                                                                        \
                                                                                 \
	SEC("kretprobe/" #function)                                              \
	int name##_kretprobe(void *ctx)                                          \
	{                                                                        \
		end(type, (s64)return_value(ctx));                               \
		return 0;                                                        \
	}                                                                        \
	_Static_assert(arguments <= 6, "a trampoline saves so many")

#define FS_ALL(first) true
#define FS_OPERATION(name, type, operation, function, arguments, end) \
	FS_OPERATION_IF(FS_ALL, name, type, operation, function, arguments, end)

#endif
