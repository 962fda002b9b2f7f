// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* No interrupt adds pages, and they become dirty with interrupts off. */
#define ADDS_UNINTERRUPTED

#include "kernel.bpf.h"
#include "percpu.bpf.h"

/* Not 0: the number of the file that is counted, whatever its file system. */
const volatile u64 only_inode = 0;

struct cpu_page_cache {
	u64 added;
	u64 dirtied;
} CPU_ALIGNED;

PERCPU_TABLE(page_cache, struct cpu_page_cache);

struct super_block {
	unsigned long s_magic;
} __attribute__((preserve_access_index));

struct inode {
	unsigned long i_ino;
	struct super_block *i_sb;
} __attribute__((preserve_access_index));

struct address_space {
	struct inode *host;
} __attribute__((preserve_access_index));

struct folio {
	struct address_space *mapping;
	/* Of a large one. */
	unsigned int _nr_pages;
} __attribute__((preserve_access_index));

/* What the tracepoints have until 5.16. */
struct page {
	struct address_space *mapping;
} __attribute__((preserve_access_index));

/* Until 6.14. */
struct folio___6_14 {
	unsigned int _folio_nr_pages;
} __attribute__((preserve_access_index));

enum pageflags { PG_head = 6 };

/* include/uapi/linux/magic.h */
#define HUGETLBFS_MAGIC 0x958458f6

static __always_inline struct inode *folio_inode(struct folio *folio)
{
	return (bpf_core_type_exists(struct folio) ? folio->mapping : ((struct page *)folio)->mapping)->host;
}

static __always_inline bool is_counted(struct folio *folio)
{
	return !only_inode || folio_inode(folio)->i_ino == only_inode;
}

/*
 * Huge pages that a process has by hugetlbfs are memory without a file behind it, and the tracepoint has them all the same.
 * Where there are no folios, files have no other larger pages.
 */
static __always_inline u64 folio_pages(struct folio *folio)
{
	/* The flags are first in every page, but a number once, and a struct since 6.18. */
	unsigned long flags = *(unsigned long *)folio;

	if (!(flags >> bpf_core_enum_value(enum pageflags, PG_head) & 1))
		return 1;
	if (folio_inode(folio)->i_sb->s_magic == HUGETLBFS_MAGIC)
		return 0;
	if (!bpf_core_type_exists(struct folio))
		return 1;
	if (bpf_core_field_exists(struct folio, _nr_pages))
		return folio->_nr_pages;
	if (bpf_core_field_exists(struct folio___6_14, _folio_nr_pages))
		return ((struct folio___6_14 *)folio)->_folio_nr_pages;
	return 1;
}

SEC("tp_btf/mm_filemap_add_to_page_cache")
int BPF_PROG(mm_filemap_add_to_page_cache, struct folio *folio)
{
	struct cpu_page_cache *cpu = percpu_element(&page_cache);

	if (cpu && is_counted(folio))
		add_to(&cpu->added, folio_pages(folio));
	return 0;
}

static __always_inline int count_dirtied(struct folio *folio)
{
	struct cpu_page_cache *cpu = percpu_element(&page_cache);

	if (cpu && is_counted(folio))
		add_to(&cpu->dirtied, folio_pages(folio));
	return 0;
}

SEC("tp_btf/writeback_dirty_folio")
int BPF_PROG(writeback_dirty_folio, struct folio *folio)
{
	return count_dirtied(folio);
}

/* As it was called before there were folios. */
SEC("tp_btf/writeback_dirty_page")
int BPF_PROG(writeback_dirty_page, struct folio *page)
{
	return count_dirtied(page);
}

char LICENSE[] SEC("license") = "GPL";
