/**
 * What ebpf_exporter (version 2) calls system calls and errnos where that isn't the kernel's name, for dashboards that were
 * made with it. Its system calls are called as strace's decoding functions, so that some share a name; its errnos as Go does
 * (golang.org/x/sys/unix), which knows none that never leave the kernel.
 */

/** `names` with ebpf_exporter's names of system calls. Those that it doesn't know keep theirs. */
export function exporterSyscallNames(names: ReadonlyMap<number, string>): ReadonlyMap<number, string> {
  return new Map([...names].map(([number, name]) => [number, SYSCALLS.get(name) ?? name]));
}

/** `names` with ebpf_exporter's names of errnos, and without those that it doesn't know. */
export function exporterErrnoNames(names: ReadonlyMap<number, string>): ReadonlyMap<number, string> {
  return new Map(
    [...names]
      .filter(([number]) => number < firstInternalErrno)
      .map(([number, name]) => [number, ERRNOS.get(name) ?? name]),
  );
}

/** ERESTARTSYS of include/linux/errno.h. */
const firstInternalErrno = 512;

const ERRNOS: ReadonlyMap<string, string> = new Map([
  ['EOPNOTSUPP', 'ENOTSUP'],
  ['EUCLEAN', 'EFSCORRUPTED'],
]);

const withSuffix = (suffix: string, names: string) => names.split(/\s+/).map((name) => [name, name + suffix] as const);

/** By the kernel's names, which tell the same on both architectures. */
const SYSCALLS: ReadonlyMap<string, string> = new Map([
  ...withSuffix(
    '_time64',
    `clock_getres clock_nanosleep futex io_getevents io_pgetevents mq_timedreceive mq_timedsend nanosleep poll ppoll
    pselect6 recvmmsg rt_sigtimedwait sched_rr_get_interval semtimedop utimensat`,
  ),
  ...withSuffix(
    '64',
    `adjtimex clock_adjtime clock_gettime clock_settime sendfile timer_gettime timer_settime timerfd_gettime
    timerfd_settime`,
  ),
  ['_sysctl', 'sysctl'],
  ['epoll_ctl_old', 'printargs'],
  ['epoll_wait_old', 'printargs'],
  ['exit_group', 'exit'],
  ['lchown', 'chown'],
  ['lgetxattr', 'getxattr'],
  ['llistxattr', 'listxattr'],
  ['lremovexattr', 'removexattr'],
  ['lsetxattr', 'setxattr'],
  ['pivot_root', 'pivotroot'],
  ['pread64', 'pread'],
  ['pwrite64', 'pwrite'],
]);
