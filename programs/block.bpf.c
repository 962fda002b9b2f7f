// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "cache.bpf.h"
#include "histogram.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"
#include "stamp.bpf.h"

#define MAX_DEVICE_OPERATIONS 256
#define MAX_DEVICE_STATUSES 256
/* Pairs of requests in flight: half a MiB for all CPUs together. */
#define STAMP_BITS 13

const volatile bool enable_latency = true;
const volatile bool enable_queue = true;
const volatile bool enable_size = true;
const volatile bool enable_errors = true;
const volatile bool enable_unmatched = true;
/* The time of issue is the request's own, without a hook there, rather than a stamp of this program's. */
const volatile bool request_stamp = false;
/* Not 0: the device that is counted, as in include/linux/kdev_t.h. */
const volatile u32 only_device = 0;

/* As enum req_op of include/linux/blk_types.h, but for those whose numbers differ from one kernel to the next. */
enum block_operation {
	BLOCK_READ = 0,
	BLOCK_WRITE = 1,
	BLOCK_FLUSH = 2,
	BLOCK_DISCARD = 3,
	BLOCK_SECURE_ERASE = 5,
	BLOCK_ZONE = 8,
	BLOCK_WRITE_ZEROES = 9,
	BLOCK_DRIVER_IN = 34,
	BLOCK_DRIVER_OUT = 35,
};

struct block_key {
	u32 device;
	enum block_operation operation;
} __attribute__((aligned(8)));

struct block_value {
	struct hist latency;
	struct hist queue;
	struct hist size;
};

struct error_key {
	u32 device;
	u32 status;
} __attribute__((aligned(8)));

/* Found by tag: see stamp_pair(). The key is the request, the detail its bytes. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << STAMP_BITS);
	__type(key, u32);
	__type(value, struct stamp_pair);
} stamps SEC(".maps");

struct cpu_unmatched {
	u64 requests;
} CPU_ALIGNED;

CACHED_MAP(block_io, struct block_key, struct block_value, MAX_DEVICE_OPERATIONS);
CACHED_MAP(block_io_errors, struct error_key, u64, MAX_DEVICE_STATUSES);
PERCPU_TABLE(block_io_unmatched, struct cpu_unmatched);

/* RQF_IO_STAT of include/linux/blk-mq.h: a macro, then the name of a bit in an enum without a name, then with one. */
enum { IO_STAT_MACRO = 13, IO_STAT_UNNAMED = 8 };
enum rqf_flags { __RQF_IO_STAT };

/* Of 6.11, which brought the enum too. */
struct queue_limits {
	unsigned int features;
} __attribute__((preserve_access_index));

static __always_inline u32 io_stat_bit(void)
{
	if (bpf_core_enum_value_exists(enum rqf_flags, __RQF_IO_STAT))
		return bpf_core_enum_value(enum rqf_flags, __RQF_IO_STAT);
	return bpf_core_field_exists(struct queue_limits, features) ? IO_STAT_UNNAMED : IO_STAT_MACRO;
}

/*
 * Whether the kernel has set the request's start. A device may be told to keep no statistics (queue/iostats): then that
 * is still the time of another request, which was in its place before.
 */
static __always_inline bool has_start(struct request *rq)
{
	return rq->rq_flags >> io_stat_bit() & 1;
}

static __always_inline u32 request_device(struct request *rq)
{
	struct gendisk *disk;

	if (bpf_core_field_exists(struct request_queue, disk))
		disk = rq->q->disk;
	else
		disk = ((struct request___disk *)rq)->rq_disk;
	/* A character device that takes SCSI commands has no disk. */
	return disk ? disk->major << 20 | disk->first_minor : 0;
}

static __always_inline enum block_operation request_operation(struct request *rq)
{
	u32 operation = rq->cmd_flags & 0xff;

	if (operation <= BLOCK_DISCARD)
		return operation;
	switch (operation) {
	case BLOCK_SECURE_ERASE:
	case BLOCK_WRITE_ZEROES:
	case BLOCK_DRIVER_IN:
	case BLOCK_DRIVER_OUT:
		return operation;
	default:
		return BLOCK_ZONE;
	}
}

/*
 * A write that asks for flushes completes once more at the end of them all, without bytes and without having been
 * issued (block/blk-flush.c); the flushes are requests of their own.
 */
static __always_inline bool is_end_of_flushes(struct request *rq, u32 bytes)
{
	return bytes == 0 && request_operation(rq) == BLOCK_WRITE;
}

/* By tag rather than by pointer: requests of the same hardware queue never meet. */
static __always_inline struct stamp_pair *stamp_pair(struct request *rq, u32 device)
{
	u32 queue = (device * 31 + rq->mq_hctx->queue_num) * 0x9e3779b1U >> (32 - STAMP_BITS);
	u32 place = (queue + rq->tag) & ((1 << STAMP_BITS) - 1);

	return bpf_map_lookup_elem(&stamps, &place);
}

/* A request that is issued again starts anew where it was. What is lost is counted when it completes. */
static __always_inline void put_stamp(struct request *rq, u32 device)
{
	u64 now = enable_latency || enable_queue ? bpf_ktime_get_ns() : 0;

	stamp_put(stamp_pair(rq, device), (u64)rq, now, rq->__data_len);
}

static __always_inline void count_unmatched(void)
{
	struct cpu_unmatched *cpu = percpu_element(&block_io_unmatched);

	if (cpu)
		add_to(&cpu->requests, 1);
}

static __always_inline void count_request(struct request *rq, u32 device, u64 issued, u64 bytes)
{
	u64 started = rq->start_time_ns;
	struct block_key key = { .device = device, .operation = request_operation(rq) };
	struct block_value *value = block_io_at(cache_place(device, key.operation), key);

	if (!value)
		return;
	if (enable_latency)
		hist_add_ns(&value->latency, bpf_ktime_get_ns() - issued);
	if (enable_queue && started && has_start(rq))
		hist_add_ns(&value->queue, issued - started);
	if (enable_size)
		hist_add(&value->size, bytes, bytes);
}

/* A request that the kernel has stamped; of one that completed in parts only the last one's bytes are known. */
static __always_inline bool count_stamped(struct request *rq, u32 device, u32 bytes)
{
	u64 issued = rq->io_start_time_ns;

	if (issued)
		count_request(rq, device, issued, bytes);
	return issued;
}

/* A request whose issue was seen. */
static __always_inline bool count_issued(struct request *rq, u32 device)
{
	struct stamp *stamp = stamp_find(stamp_pair(rq, device), (u64)rq);
	u64 bytes;

	if (!stamp)
		return false;
	bytes = *(volatile u64 *)&stamp->detail;
	count_request(rq, device, stamp_end(stamp), bytes);
	return true;
}

/* Until 5.15 the tracepoint has an errno, since then a blk_status_t; the statuses are those of blk_errors[]. */
static __always_inline u32 status_of(int error)
{
	switch (error) {
	case -95: return 1;
	case -110: return 2;
	case -28: return 3;
	case -67: return 4;
	case -121: return 5;
	case -52: return 6;
	case -61: return 7;
	case -84: return 8;
	case -12: return 9;
	case -11: return 12;
	case -16: return 13;
	default: return error < 0 ? 10 : error;
	}
}

static __always_inline void count_error(u32 device, int error)
{
	struct error_key key = { .device = device, .status = status_of(error) };
	u64 *errors = block_io_errors_at(cache_place(device, key.status), key);

	if (errors)
		add_to(errors, 1);
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(block_rq_issue, struct request *rq)
{
	u32 device = request_device(rq);

	if (!only_device || device == only_device)
		put_stamp(rq, device);
	return 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(block_rq_complete, struct request *rq, int error, unsigned int bytes)
{
	u32 device = request_device(rq);
	bool counted;

	if ((only_device && device != only_device) || is_end_of_flushes(rq, bytes))
		return 0;
	if (enable_errors && error)
		count_error(device, error);
	if (!enable_latency && !enable_queue && !enable_size && !enable_unmatched)
		return 0;
	/* More is to come. */
	if (bytes < rq->__data_len)
		return 0;
	counted = request_stamp ? count_stamped(rq, device, bytes) : count_issued(rq, device);
	if (!counted && enable_unmatched)
		count_unmatched();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
