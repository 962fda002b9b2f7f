import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { Capability } from '../capability-names.ts';
import { nearest, suggest } from '../config/yaml/nearest.ts';
import { type ErrorCode, MeterError } from '../errors.ts';
import { effectiveCapabilities, missingCapabilities } from '../kernel/capabilities.ts';
import { type Confinement, readConfinement } from '../kernel/confinement.ts';
import { tracepointNames } from '../kernel/near-tracepoint.ts';
import { isKernelBefore } from '../kernel/release.ts';
import { describe, type LibbpfError } from '../libbpf/error.ts';

/** What decides why a kernel refuses. */
export interface Environment {
  readonly capabilities: ReadonlySet<Capability>;
  readonly tracefs: boolean;
  /** Whether the kernel has BTF of itself. */
  readonly btf: boolean;
  /** kernel.perf_event_paranoid; above 2 perf events need CAP_SYS_ADMIN (Debian's patch, its default is 3). */
  readonly perfEventParanoid: number;
  /** As uname(2) gives it: 6.1.0-32-amd64. */
  readonly release: string;
  readonly confinement: Confinement;
}

/** The machine as it is now. */
export function readEnvironment(): Environment {
  return {
    capabilities: effectiveCapabilities(),
    tracefs: / tracefs /.test(readOr('/proc/self/mounts', '')),
    btf: existsSync('/sys/kernel/btf/vmlinux'),
    perfEventParanoid: Number(readOr('/proc/sys/kernel/perf_event_paranoid', '2')),
    release: release(),
    confinement: readConfinement(),
  };
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

/** The kernel's ways of saying that a hook isn't there, at load or at attach. */
const noHook: ReadonlySet<string> = new Set([
  ...['ENOENT', 'ESRCH', 'EOPNOTSUPP', 'ENOTSUPP', 'EINVAL', 'EBUSY'],
  // Of several functions of this name none can be probed (Linux 6.7, commit b022f0c7e404).
  'EADDRNOTAVAIL',
]);
/** Until this version the kernel counts the memory of maps against RLIMIT_MEMLOCK. */
const memoryCgroups = [5, 11] as const;

/** libbpf says so after it has not found the hook in vmlinux, when it may not ask for the BTF of modules. */
const inModules = /failed to find kernel BTF type ID/;

/** libbpf says so where it doesn't know of which type the program is. */
const unknownSection = /missing BPF prog type/;

const classicTracepoint = /^\??(tp|tracepoint)\//;
const perfEvents = /^\??(k(ret)?probe|ksyscall|kretsyscall|perf_event|tp\/|tracepoint)/;
const userProbe = /^\??(u(ret)?probe|usdt)/;
const network = /^\??(xdp|tc|tcx|classifier|action|cgroup_skb|cgroup\/skb|sk_)/;

/** What attaching to a section takes, tried on 5.10 to 6.18. */
export function neededCapabilities(section: string | undefined, perfEventParanoid: number): Capability[] {
  const needed: Capability[] = ['CAP_BPF', 'CAP_PERFMON'];
  if (section === undefined) return needed;
  if (userProbe.test(section) || (perfEvents.test(section) && perfEventParanoid > 2)) needed.push('CAP_SYS_ADMIN');
  if (classicTracepoint.test(section)) needed.push('CAP_DAC_READ_SEARCH');
  if (network.test(section)) needed.push('CAP_NET_ADMIN');
  return needed;
}

/**
 * Why loading or attaching failed and what to do about it, as `subject: reason`.
 * `section` is that of the BPF program, undefined where the object as a whole failed; `remedy` is what is known already,
 * and counts unless it is for want of rights.
 */
export function explain(
  code: ErrorCode,
  subject: string,
  section: string | undefined,
  cause: LibbpfError,
  environment: Environment,
  remedy?: string,
): MeterError {
  const said = cause.messages.join('\n');
  const detail = said === '' ? {} : { detail: said };
  if (said.includes('BEGIN PROG LOAD LOG') && cause.code !== 'EPERM') {
    return describe(code, subject, cause, remedy ?? "The verifier's whole log is shown at debug level");
  }
  if (cause.code === 'EPERM' || cause.code === 'EACCES') {
    const missing = missingCapabilities(
      neededCapabilities(section, environment.perfEventParanoid),
      environment.capabilities,
    );
    if (missing.length > 0) {
      const names = missing.join(' and ');
      const message = `${subject}: ${cause.code}: ${names} ${missing.length > 1 ? 'are' : 'is'} missing`;
      return new MeterError(code, message, { cause, remedy: `Run as root, or give the process ${names}`, ...detail });
    }
    if (inModules.test(said) && !environment.capabilities.has('CAP_SYS_ADMIN')) {
      const remedy = 'The kernel itself lacks the hook; to look for it in modules run as root, or give CAP_SYS_ADMIN';
      return describe(code, subject, cause, remedy);
    }
    return describe(code, subject, cause, otherwiseForbidden(environment));
  }
  if (remedy !== undefined) return describe(code, subject, cause, remedy);
  if (cause.code === 'EMFILE') {
    return describe(
      code,
      subject,
      cause,
      'Raise the limit of open files: `ulimit -n 1024`, LimitNOFILE=1024 in systemd',
    );
  }
  if (section !== undefined && unknownSection.test(said)) {
    const remedy =
      "Sections are libbpf's, whose newer versions know more, and perf_event/type=T,config=C,frequency=F and xdp/INTERFACE";
    return new MeterError(code, `${subject}: section "${section}": unknown to this libbpf and to ebpf-meter`, {
      cause,
      remedy,
      ...detail,
    });
  }
  if (cause.code === 'ENOMEM' && isOld(environment)) {
    return describe(
      code,
      subject,
      cause,
      'Raise the limit of locked memory: `ulimit -l unlimited`, LimitMEMLOCK=infinity',
    );
  }
  if (!environment.btf && /BTF|CO-RE/.test(said)) {
    const remedy = 'Run a kernel with CONFIG_DEBUG_INFO_BTF=y, or name a file with its types by btf_path or --btf.path';
    return new MeterError(code, `${subject}: the kernel has no BTF (/sys/kernel/btf/vmlinux)`, {
      cause,
      remedy,
      ...detail,
    });
  }
  if (section !== undefined && lacksTracefs(section, cause, environment)) {
    const remedy = 'Mount it: mount -t tracefs tracefs /sys/kernel/tracing';
    return new MeterError(code, `${subject}: tracefs is not mounted`, { cause, remedy, ...detail });
  }
  if (section !== undefined && userProbe.test(section) && (cause.code === 'ENOENT' || cause.code === 'ESRCH')) {
    return describe(
      code,
      subject,
      cause,
      'Check the file and the name in it: a path such as ./server begins at the working directory, a bare name is searched in PATH, a library where libraries are',
    );
  }
  if (section !== undefined && noHook.has(cause.code)) {
    return describe(
      code,
      subject,
      cause,
      `This kernel (${environment.release}) lacks "${section}", or can't attach to it${meant(section)}`,
    );
  }
  return describe(code, subject, cause);
}

/**
 * Whether the kernel refused a BPF program since it lacks the hook, or the right to it can't be had (lockdown): then another
 * way in is as good as this one. Not where the process could have the right, or where anything else is lacking.
 */
export function lacksHook(section: string, cause: LibbpfError, environment: Environment): boolean {
  if (cause.code !== 'EPERM' && cause.code !== 'EACCES') {
    return noHook.has(cause.code) && !lacksTracefs(section, cause, environment);
  }
  const { capabilities, perfEventParanoid } = environment;
  const missing = missingCapabilities(neededCapabilities(section, perfEventParanoid), capabilities);
  return missing.length === 0 && (capabilities.has('CAP_SYS_ADMIN') || !inModules.test(cause.messages.join('\n')));
}

function lacksTracefs(section: string, cause: LibbpfError, { tracefs }: Environment): boolean {
  return classicTracepoint.test(section) && !tracefs && cause.code === 'ENOENT';
}

/** The tracepoint that was probably meant; nothing where the kernel has the one that is named, or none that is near. */
function meant(section: string): string {
  const { name, known } = tracepointNames(section);
  return name === '' || known.length === 0 || known.includes(name) || nearest(name, known) === undefined
    ? ''
    : suggest(name, known);
}

/** What is on that may forbid what the capabilities would let; where nothing is known to be on, where to look on. */
function otherwiseForbidden({ capabilities, confinement, ...environment }: Environment): string {
  const { seccomp, lockdown, userNamespace, lockedMemory } = confinement;
  const isLimited = isOld(environment) && !capabilities.has('CAP_SYS_RESOURCE') && lockedMemory < Infinity;
  if (isLimited) {
    return `Raise the limit of locked memory (${lockedMemory} bytes): \`ulimit -l unlimited\`, or LimitMEMLOCK=infinity in systemd`;
  }
  const reasons = [
    ...(userNamespace ? ["the process is in a user namespace, whose capabilities don't count here"] : []),
    ...(seccomp ? ['a seccomp profile (of a container) is on: deploy/seccomp.json is one that lets BPF through'] : []),
    ...(lockdown === undefined ? [] : [`the kernel is locked down (${lockdown})`]),
  ];
  if (reasons.length > 0) return `The capabilities are there, but ${reasons.join(', and ')}`;
  return 'The capabilities are there, and neither a seccomp profile nor a lockdown is on: a security module (SELinux, AppArmor) may forbid it, which `dmesg` or the audit log tells';
}

function isOld({ release }: Pick<Environment, 'release'>): boolean {
  return isKernelBefore(release, ...memoryCgroups);
}
