// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "fs.bpf.h"

const volatile bool enable_open = true;
const volatile bool enable_fsync = true;

struct cpu_fs {
	struct hist open[FS_TYPES];
	struct hist fsync[FS_TYPES];
} CPU_ALIGNED;

PERCPU_TABLE(fs, struct cpu_fs);

/* An int is returned in the lower half of a register; none of it matters here. */
static __always_inline void end_open(enum fs_type type, s64 unused)
{
	struct cpu_fs *cpu = percpu_element(&fs);

	fs_end(type, FS_OPEN, cpu ? &cpu->open[type] : NULL, enable_open, 0);
}

static __always_inline void end_fsync(enum fs_type type, s64 unused)
{
	struct cpu_fs *cpu = percpu_element(&fs);

	fs_end(type, FS_FSYNC, cpu ? &cpu->fsync[type] : NULL, enable_fsync, 0);
}

FS_OPERATION(ext4_open, FS_EXT4, FS_OPEN, ext4_file_open, 2, end_open);
FS_OPERATION(xfs_open, FS_XFS, FS_OPEN, xfs_file_open, 2, end_open);
FS_OPERATION(btrfs_open, FS_BTRFS, FS_OPEN, btrfs_file_open, 2, end_open);
FS_OPERATION(nfs_open, FS_NFS, FS_OPEN, nfs_file_open, 2, end_open);
FS_OPERATION(nfs4_open, FS_NFS, FS_OPEN, nfs4_file_open, 2, end_open);

FS_OPERATION(ext4_fsync, FS_EXT4, FS_FSYNC, ext4_sync_file, 4, end_fsync);
FS_OPERATION(xfs_fsync, FS_XFS, FS_FSYNC, xfs_file_fsync, 4, end_fsync);
FS_OPERATION(btrfs_fsync, FS_BTRFS, FS_FSYNC, btrfs_sync_file, 4, end_fsync);
FS_OPERATION(nfs_fsync, FS_NFS, FS_FSYNC, nfs_file_fsync, 4, end_fsync);

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
