import { readOrEmpty } from './files.ts';

/** What may forbid a process what its capabilities let it. */
export interface Confinement {
  /** A seccomp filter, as containers have it: `Seccomp` of /proc/PID/status. */
  readonly seccomp: boolean;
  /** The lockdown that is on; undefined: none. */
  readonly lockdown: string | undefined;
  /** Whether it is in a user namespace of its own, in which capabilities count for nothing outside of it. */
  readonly userNamespace: boolean;
  /** Bytes of RLIMIT_MEMLOCK; Infinity: no limit. */
  readonly lockedMemory: number;
}

/** Of this process, as /proc and securityfs tell it; what isn't told is taken to be off. */
export function readConfinement(root = ''): Confinement {
  const text = (path: string) => readOrEmpty(`${root}${path}`).toString();
  const seccomp = /^Seccomp:\s*(\d)/m.exec(text('/proc/self/status'))?.[1] ?? '0';
  // Written as `none [integrity] confidentiality`.
  const lockdown = /\[(\w+)\]/.exec(text('/sys/kernel/security/lockdown'))?.[1] ?? 'none';
  const users = text('/proc/self/uid_map').trim();
  const limit = /^Max locked memory\s+(\S+)/m.exec(text('/proc/self/limits'))?.[1] ?? 'unlimited';
  return {
    seccomp: seccomp !== '0',
    lockdown: lockdown === 'none' ? undefined : lockdown,
    userNamespace: users !== '' && !/^0\s+0\s+4294967295$/.test(users),
    lockedMemory: limit === 'unlimited' ? Infinity : Number(limit),
  };
}
