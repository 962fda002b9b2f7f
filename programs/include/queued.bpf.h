/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef QUEUED_BPF_H
#define QUEUED_BPF_H

#include "kernel.bpf.h"

/* 16,384 tasks that wait for a CPU at a time, in 256 KiB, of which only the lines of those that do are touched. */
#define QUEUED_BITS 12
#define QUEUED_PER_LINE 4

/* Since when a task waits. */
struct queued {
	/* In the initial namespace; 0: the place is free. */
	u32 pid;
	/* It was preempted on its way to sleep, so that it may be woken while it waits. */
	u32 may_be_woken;
	u64 since;
};

/* One cache line: where a task's stamp may be. A fifth task at the same place displaces the one that waits longest. */
struct queued_line {
	struct queued stamps[QUEUED_PER_LINE];
} __attribute__((aligned(64)));

/*
 * Since when tasks wait, by pid: a line is found without a search, and a clock apart nothing costs less but a place of the
 * kernel's own. One element wide, so that its address is a constant.
 *
 * A task's stamp is put and taken under the lock of the run queue that it is on. Two tasks of one line may be on the queues
 * of two CPUs; where both are queued in the same nanoseconds, one may overwrite the other's. Whose stamp that was, or was
 * displaced, finds none when it runs, and counts that.
 */
#define QUEUED_TABLE(name)                                         \
	struct {                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                  \
		__uint(max_entries, 1);                            \
		__type(key, u32);                                  \
		__type(value, struct queued_line[1 << QUEUED_BITS]); \
	} name SEC(".maps")

/* Where the task's stamp is, if it has one; NULL never happens, but the verifier asks. */
static __always_inline struct queued_line *queued_line(void *table, u32 pid)
{
	u32 zero = 0;
	struct queued_line *lines = bpf_map_lookup_elem(table, &zero);

	if (!lines)
		return NULL;
	/* Or the sum is made before the comparison, which the verifier of 5.10 refuses. */
	barrier_var(lines);
	return lines + (pid * 0x9e3779b1U >> (32 - QUEUED_BITS));
}

static __always_inline struct queued *queued_find(struct queued_line *line, u32 pid)
{
	for (int i = 0; i < QUEUED_PER_LINE; i++)
		if (line->stamps[i].pid == pid)
			return &line->stamps[i];
	return NULL;
}

/* The task's place, else a free one, else that of the task that waits longest. */
static __always_inline struct queued *queued_place(struct queued_line *line, u32 pid)
{
	struct queued *first = &line->stamps[0], *place = queued_find(line, pid);

	if (place)
		return place;
	place = queued_find(line, 0);
	if (place)
		return place;
	place = first;
	for (int i = 1; i < QUEUED_PER_LINE; i++)
		if (line->stamps[i].since < place->since)
			place = &line->stamps[i];
	return place;
}

/*
 * The task begins to wait, woken or preempted. One that was preempted on its way to sleep (`may_be_woken`), and is woken
 * then, has waited since it was preempted; any other stamp of a task that is woken was left behind.
 */
static __always_inline void queued_put(struct queued_line *line, u32 pid, u64 now, bool is_woken, bool may_be_woken)
{
	struct queued *place;

	if (!line)
		return;
	place = queued_place(line, pid);
	if (is_woken && place->pid == pid && place->may_be_woken)
		return;
	place->since = now;
	place->may_be_woken = may_be_woken;
	place->pid = pid;
}

/* Takes the task's stamp away; 0: there is none. */
static __always_inline u64 queued_take(struct queued_line *line, u32 pid)
{
	struct queued *place = line ? queued_find(line, pid) : NULL;
	u64 since;

	if (!place)
		return 0;
	since = *(volatile u64 *)&place->since;
	*(volatile u32 *)&place->pid = 0;
	return since;
}

#endif
