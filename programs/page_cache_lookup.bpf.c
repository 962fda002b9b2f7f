// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "cache.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"
#include "registers.bpf.h"

/* As the kernel's PAGE_SHIFT: 16 where pages have 64 KiB. */
const volatile u32 page_shift = 12;
/* Not 0: the number of the file that is counted, whatever its file system. */
const volatile u64 only_inode = 0;

struct cpu_lookups {
	u64 pages;
} CPU_ALIGNED;

/* What a task was reading when it last looked for more than one page. */
struct read_state {
	struct address_space *mapping;
	u64 first;
	u64 last;
};

PERCPU_TABLE(page_cache_lookups, struct cpu_lookups);
PERCPU_TABLE(page_cache_lookups_lost, struct lost_events);

/* Of the tracepoint alone, which is younger (6.12) than such maps (5.11). */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct read_state);
} reads SEC(".maps");

struct inode {
	unsigned long i_ino;
	long long i_size;
} __attribute__((preserve_access_index));

struct address_space {
	struct inode *host;
} __attribute__((preserve_access_index));

struct file {
	struct address_space *f_mapping;
} __attribute__((preserve_access_index));

struct kiocb {
	struct file *ki_filp;
	long long ki_pos;
} __attribute__((preserve_access_index));

struct iov_iter {
	size_t count;
} __attribute__((preserve_access_index));

/*
 * A read looks for all that it still wants, gets as many pages as fit into a batch, and looks again: for the same last
 * page, from a later first one. Only the first time counts.
 */
static __always_inline bool is_continued(const struct read_state *read, struct address_space *mapping, u64 first, u64 last)
{
	return read->mapping == mapping && read->last == last && read->first < first;
}

/* A read may want more than there is. */
static __always_inline u64 pages_within(u64 size, u64 first, u64 last)
{
	u64 end = (size + (1ULL << page_shift) - 1) >> page_shift;

	if (last < end)
		end = last + 1;
	return end > first ? end - first : 0;
}

SEC("tp_btf/mm_filemap_get_pages")
int BPF_PROG(mm_filemap_get_pages, struct address_space *mapping, unsigned long first, unsigned long last)
{
	struct cpu_lookups *cpu = percpu_element(&page_cache_lookups);
	struct read_state *read;

	if (!cpu || (only_inode && mapping->host->i_ino != only_inode))
		return 0;
	read = bpf_task_storage_get(&reads, bpf_get_current_task_btf(), NULL,
				    first < last ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
	if (!read && first < last) {
		count_lost(&page_cache_lookups_lost);
		return 0;
	}
	if (!read || !is_continued(read, mapping, first, last))
		add_to(&cpu->pages, pages_within(mapping->host->i_size, first, last));
	if (read && first < last) {
		read->mapping = mapping;
		read->first = first;
		read->last = last;
	}
	return 0;
}

/* Called once for each read through the page cache, with all that it wants. */
static __always_inline int count_read(u64 inode, u64 size, u64 position, u64 count)
{
	struct cpu_lookups *cpu = percpu_element(&page_cache_lookups);

	if (cpu && count && (!only_inode || inode == only_inode))
		add_to(&cpu->pages, pages_within(size, position >> page_shift, (position + count - 1) >> page_shift));
	return 0;
}

static __always_inline int read_traced(struct kiocb *iocb, struct iov_iter *iter)
{
	struct inode *inode = iocb->ki_filp->f_mapping->host;

	return count_read(inode->i_ino, inode->i_size, iocb->ki_pos, iter->count);
}

static __always_inline int read_probed(const void *regs)
{
	struct kiocb *iocb = (void *)first_argument(regs);
	struct iov_iter *iter = (void *)second_argument(regs);
	struct inode *inode = BPF_CORE_READ(iocb, ki_filp, f_mapping, host);

	return count_read(BPF_CORE_READ(inode, i_ino), BPF_CORE_READ(inode, i_size), BPF_CORE_READ(iocb, ki_pos),
			  BPF_CORE_READ(iter, count));
}

SEC("fentry/filemap_read")
int BPF_PROG(filemap_read_fentry, struct kiocb *iocb, struct iov_iter *iter)
{
	return read_traced(iocb, iter);
}

SEC("kprobe/filemap_read")
int filemap_read_kprobe(const void *regs)
{
	return read_probed(regs);
}

/* As filemap_read was called until 5.12. */
SEC("fentry/generic_file_buffered_read")
int BPF_PROG(buffered_read_fentry, struct kiocb *iocb, struct iov_iter *iter)
{
	return read_traced(iocb, iter);
}

SEC("kprobe/generic_file_buffered_read")
int buffered_read_kprobe(const void *regs)
{
	return read_probed(regs);
}

char LICENSE[] SEC("license") = "GPL";
