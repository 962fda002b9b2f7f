// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "fs.bpf.h"

const volatile bool enable_read = true;
const volatile bool enable_write = true;

struct cpu_fs_io {
	struct hist read[FS_TYPES];
	struct hist write[FS_TYPES];
} CPU_ALIGNED;

PERCPU_TABLE(fs_io, struct cpu_fs_io);

static __always_inline void end_read(enum fs_type type, s64 result)
{
	struct cpu_fs_io *cpu = percpu_element(&fs_io);

	if (cpu)
		fs_end(type, FS_READ, &cpu->read[type], enable_read, result);
}

static __always_inline void end_write(enum fs_type type, s64 result)
{
	struct cpu_fs_io *cpu = percpu_element(&fs_io);

	if (cpu)
		fs_end(type, FS_WRITE, &cpu->write[type], enable_write, result);
}

FS_OPERATION(ext4_read, FS_EXT4, FS_READ, ext4_file_read_iter, 2, end_read);
FS_OPERATION(xfs_read, FS_XFS, FS_READ, xfs_file_read_iter, 2, end_read);
FS_OPERATION(btrfs_read, FS_BTRFS, FS_READ, btrfs_file_read_iter, 2, end_read);
FS_OPERATION(nfs_read, FS_NFS, FS_READ, nfs_file_read, 2, end_read);

FS_OPERATION(ext4_write, FS_EXT4, FS_WRITE, ext4_file_write_iter, 2, end_write);
FS_OPERATION(xfs_write, FS_XFS, FS_WRITE, xfs_file_write_iter, 2, end_write);
FS_OPERATION(btrfs_write, FS_BTRFS, FS_WRITE, btrfs_file_write_iter, 2, end_write);
FS_OPERATION(nfs_write, FS_NFS, FS_WRITE, nfs_file_write, 2, end_write);

char LICENSE[] SEC("license") = "GPL";
