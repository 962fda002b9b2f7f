/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The kernel types that the programs read, each with the members they read and no others: CO-RE finds
 * the members' places in the running kernel's BTF. It stands for vmlinux.h, so that nothing needs the
 * BTF of a kernel to be compiled. A suffix after three underscores marks an older shape of the same type.
 */
#ifndef KERNEL_BPF_H
#define KERNEL_BPF_H

#include <stdbool.h>
#include <stddef.h>

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u8 u8;
typedef __u16 u16;
typedef __s32 s32;
typedef __u32 u32;
typedef __s64 s64;
typedef __u64 u64;

/* include/uapi/linux/bpf.h; BPF_F_MMAPABLE is since 5.5. */
enum { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_ARRAY = 2, BPF_MAP_TYPE_PERCPU_HASH = 5, BPF_MAP_TYPE_TASK_STORAGE = 29 };
enum { BPF_NOEXIST = 1 };
enum { BPF_F_NO_PREALLOC = 1, BPF_F_MMAPABLE = 1 << 10 };
enum { BPF_LOCAL_STORAGE_GET_F_CREATE = 1 };

#include <bpf/bpf_helpers.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct rq {
	u64 clock;
	unsigned int nr_running;
};

struct cfs_rq {
	/* Only with CONFIG_FAIR_GROUP_SCHED. */
	struct rq *rq;
};

struct sched_entity {
	struct cfs_rq *cfs_rq;
};

struct sched_info {
	/* Only with CONFIG_SCHED_INFO. */
	unsigned long long last_queued;
};

struct signal_struct {
	int group_exit_code;
	unsigned int flags;
};

struct task_struct {
	unsigned int __state;
	struct sched_entity se;
	struct sched_info sched_info;
	int exit_code;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct signal_struct *signal;
};

/* Until 5.13. */
struct task_struct___state {
	volatile long state;
};

struct gendisk {
	int major;
	int first_minor;
};

struct request_queue {
	struct gendisk *disk;
};

struct blk_mq_hw_ctx {
	unsigned int queue_num;
};

struct request {
	struct request_queue *q;
	struct blk_mq_hw_ctx *mq_hctx;
	unsigned int cmd_flags;
	unsigned int rq_flags;
	int tag;
	unsigned int __data_len;
	/* When it was allocated, or when another one was in its place: see RQF_IO_STAT. */
	u64 start_time_ns;
	/* When it was issued to the driver; 0 unless something keeps statistics of that. */
	u64 io_start_time_ns;
};

/* Until 5.16, when the disk moved to the queue. */
struct request___disk {
	struct gendisk *rq_disk;
};

struct timer_list {
	void (*function)(struct timer_list *);
};

struct pt_regs___x86 {
	unsigned long orig_ax;
};

struct pt_regs___arm64 {
	s32 syscallno;
};

/* A tracepoint's record, since when it carries this: what tells that the tracepoint has the argument. */
struct trace_event_raw_sched_process_exit {
	bool group_dead;
};

#pragma clang attribute pop

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* The process that is running, whatever the program was called for. */
static __always_inline s32 current_tgid(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

/*
 * Half a pointer as a number. The verifier makes no index from a pointer, and since 6.17 not from a function's address
 * either; moved into a register of 32 bits it is a number on all kernels.
 */
static __always_inline u32 lower_half(u64 pointer)
{
	u32 half;

	asm volatile("%0 = %1" : "=w"(half) : "w"((u32)pointer));
	return half;
}

#endif
