// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A system call ends in no interrupt. */
#define ADDS_UNINTERRUPTED

#include "cache.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"

#define MAX_SYSCALLS 512
#define MAX_ERRORS 4096
#define MAX_ERRNO 4095
/* include/linux/errno.h: the kernel's own, for a call that it starts again or turns into EINTR afterwards. */
#define ERESTARTSYS 512
#define ERESTART_RESTARTBLOCK 516

const volatile bool enable_calls = true;
const volatile bool enable_errors = true;
/* Not 0: the process that is counted. */
const volatile s32 only_tgid = 0;

struct cpu_calls {
	u64 calls[MAX_SYSCALLS];
} CPU_ALIGNED;

struct error_key {
	u32 nr;
	u32 errno;
} __attribute__((aligned(8)));

PERCPU_TABLE(syscall_calls, struct cpu_calls);
CACHED_MAP(syscall_errors, struct error_key, u64, MAX_ERRORS);

static __always_inline u64 syscall_number(void *regs)
{
	if (bpf_core_field_exists(struct pt_regs___x86, orig_ax))
		return ((struct pt_regs___x86 *)regs)->orig_ax;
	return ((struct pt_regs___arm64 *)regs)->syscallno;
}

static __always_inline void count_call(u64 nr)
{
	struct cpu_calls *cpu = percpu_element(&syscall_calls);

	if (cpu && nr < MAX_SYSCALLS)
		add_to(&cpu->calls[nr], 1);
}

static __always_inline void count_error(u64 nr, u64 errno)
{
	u64 *errors;

	/* Any user may call a number that doesn't exist, and would fill the map with such. */
	if (nr >= MAX_SYSCALLS || errno - 1 >= MAX_ERRNO || (errno >= ERESTARTSYS && errno <= ERESTART_RESTARTBLOCK))
		return;
	/* The number comes last, from the task's registers, and numbers differ in their lower bits: it needs no hash. */
	errors = syscall_errors_at(nr ^ cache_place(errno, 0), (struct error_key){ .nr = nr, .errno = errno });
	if (errors)
		add_to(errors, 1);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long ret)
{
	u64 nr;

	if (only_tgid && current_tgid() != only_tgid)
		return 0;
	nr = syscall_number(regs);
	if (enable_calls)
		count_call(nr);
	if (enable_errors)
		count_error(nr, -ret);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
