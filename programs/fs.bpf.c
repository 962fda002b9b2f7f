// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "fs.bpf.h"

/* include/linux/fs.h: somebody has opened this file. */
#define FMODE_OPENED (1 << 19)
/* include/uapi/linux/stat.h */
#define S_IFMT 00170000
#define S_IFDIR 0040000

const volatile bool enable_open = true;
const volatile bool enable_fsync = true;

struct cpu_fs {
	struct hist open[FS_TYPES];
	struct hist fsync[FS_TYPES];
} CPU_ALIGNED;

PERCPU_TABLE(fs, struct cpu_fs);

struct file {
	u32 f_mode;
} __attribute__((preserve_access_index));

struct inode {
	unsigned short i_mode;
} __attribute__((preserve_access_index));

/* An int is returned in the lower half of a register; none of it matters here. */
static __always_inline void end_open_if(enum fs_type type, bool is_opened)
{
	struct cpu_fs *cpu = percpu_element(&fs);

	if (cpu)
		fs_end(type, FS_OPEN, &cpu->open[type], enable_open, is_opened ? 0 : -EAGAIN);
}

static __always_inline void end_open(enum fs_type type, s64 unused)
{
	end_open_if(type, true);
}

static __always_inline void end_fsync(enum fs_type type, s64 unused)
{
	struct cpu_fs *cpu = percpu_element(&fs);

	if (cpu)
		fs_end(type, FS_FSYNC, &cpu->fsync[type], enable_fsync, 0);
}

FS_OPERATION(ext4_open, FS_EXT4, FS_OPEN, ext4_file_open, 2, end_open);
/* XFS opens directories by the function of files too, which the others don't. */
static __always_inline bool is_no_directory(u64 inode)
{
	return (BPF_CORE_READ((const struct inode *)inode, i_mode) & S_IFMT) != S_IFDIR;
}

FS_OPERATION_IF(is_no_directory, xfs_open, FS_XFS, FS_OPEN, xfs_file_open, 2, end_open);
FS_OPERATION(btrfs_open, FS_BTRFS, FS_OPEN, btrfs_file_open, 2, end_open);
FS_OPERATION(nfs_open, FS_NFS, FS_OPEN, nfs_file_open, 2, end_open);
FS_OPERATION(nfs4_open, FS_NFS, FS_OPEN, nfs4_file_open, 2, end_open);

FS_OPERATION(ext4_fsync, FS_EXT4, FS_FSYNC, ext4_sync_file, 4, end_fsync);
FS_OPERATION(xfs_fsync, FS_XFS, FS_FSYNC, xfs_file_fsync, 4, end_fsync);
/* Of directories, which the others sync by the same function, and where NFS has nothing to do. */
FS_OPERATION(xfs_dir_fsync, FS_XFS, FS_FSYNC, xfs_dir_fsync, 4, end_fsync);
FS_OPERATION(btrfs_fsync, FS_BTRFS, FS_FSYNC, btrfs_sync_file, 4, end_fsync);
FS_OPERATION(nfs_fsync, FS_NFS, FS_FSYNC, nfs_file_fsync, 4, end_fsync);

/*
 * NFS version 4 looks a name up and opens what it finds, or creates it, in one request, and then no other function opens
 * the file. What turns out to be no file, or not to be there, is left to others.
 */
static __always_inline void end_atomic_open(void)
{
	const struct file *file = (void *)fs_detail(FS_NFS, FS_OPEN);

	end_open_if(FS_NFS, file && BPF_CORE_READ(file, f_mode) & FMODE_OPENED);
}

SEC("fentry/nfs_atomic_open")
int BPF_PROG(nfs4_atomic_open_fentry, const void *dir, const void *entry, const struct file *file)
{
	fs_begin_with(FS_NFS, FS_OPEN, (u64)file);
	return 0;
}

SEC("fexit/nfs_atomic_open")
int BPF_PROG(nfs4_atomic_open_fexit)
{
	end_atomic_open();
	return 0;
}

SEC("kprobe/nfs_atomic_open")
int nfs4_atomic_open_kprobe(void *regs)
{
	fs_begin_with(FS_NFS, FS_OPEN, third_argument(regs));
	return 0;
}

SEC("kretprobe/nfs_atomic_open")
int nfs4_atomic_open_kretprobe(void *regs)
{
	end_atomic_open();
	return 0;
}

SEC("tp_btf/ext4_sync_file_enter")
int BPF_PROG(ext4_sync_file_enter)
{
	fs_begin(FS_EXT4, FS_FSYNC);
	return 0;
}

SEC("tp_btf/ext4_sync_file_exit")
int BPF_PROG(ext4_sync_file_exit)
{
	end_fsync(FS_EXT4, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
