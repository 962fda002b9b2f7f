import type { ErrorCode } from '../errors.ts';
import { describe, errnoName, LibbpfError, libbpfCause } from './error.ts';
import { errno, libc } from './library.ts';

/** perf_event_open of asm/unistd_64.h and asm-generic/unistd.h; the C library has no function for it. */
const callNumber = process.arch === 'arm64' ? 241 : 298;
/** PERF_FLAG_FD_CLOEXEC and PERF_EVENT_IOC_ENABLE of include/uapi/linux/perf_event.h. */
const closeOnExec = 8;
const enableRequest = 0x2400;
/** PERF_ATTR_SIZE_VER5, of Linux 4.1. */
const attributesSize = 112;
/** PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING | PERF_FORMAT_GROUP. */
const groupFormat = 1 | 2 | 8;
/** PERF_FORMAT_TOTAL_TIME_ENABLED. */
const timeFormat = 1;
/** PERF_SAMPLE_RAW. */
const rawSample = 1 << 10;

const open = libc<
  (call: number, attributes: ArrayBufferView, pid: number, cpu: number, group: number, flags: number) => number
>('long syscall(long call, void *attributes, int pid, int cpu, int group, unsigned long flags)');
const ioctl = libc<(fd: number, request: number, argument: number) => number>(
  'int ioctl(int fd, unsigned long request, unsigned long argument)',
);
const readNative = libc<(fd: number, buffer: ArrayBufferView, size: number) => number>(
  'long read(int fd, void *buffer, unsigned long size)',
);

/** What struct perf_event_attr is told; what is left out is 0. */
export interface PerfEventAttributes {
  readonly type: number;
  readonly config: bigint;
  readonly config1?: bigint | undefined;
  readonly config2?: bigint | undefined;
  /** Whose part isn't counted. */
  readonly excludes?: 'user' | 'kernel' | undefined;
  /** Unset: it counts, and never interrupts. */
  readonly sampling?: { readonly period: bigint } | { readonly frequency: bigint } | undefined;
  /** Samples carry what a BPF program writes (PERF_SAMPLE_RAW). */
  readonly isRaw?: boolean;
}

/**
 * Opens an event of all processes on one CPU, stopped where it leads a group (`leader` undefined), else as a member of
 * the leader's group. The fd is the caller's to close. Source: perf_event_open(2).
 * Throws MeterError(code), whose cause's code tells why: ENOENT, EOPNOTSUPP no such event on this machine; EINVAL too many
 * for the PMU, or a wrong config; EACCES, EPERM no right; ENODEV no such CPU; EMFILE.
 */
export function openPerfEvent(
  code: ErrorCode,
  subject: string,
  attributes: PerfEventAttributes,
  cpu: number,
  leader: number | undefined,
): number {
  const bytes = encode(attributes, leader === undefined);
  const fd = open(callNumber, bytes, -1, cpu, leader ?? -1, closeOnExec);
  if (fd < 0) throw describe(code, subject, new LibbpfError('perf_event_open', errno(), []));
  return fd;
}

/** Starts an event, and with a leader its group. Throws MeterError(code). */
export function enablePerfEvent(code: ErrorCode, subject: string, fd: number): void {
  if (ioctl(fd, enableRequest, 0) < 0) {
    throw describe(code, subject, new LibbpfError('ioctl PERF_EVENT_IOC_ENABLE', errno(), []));
  }
}

/**
 * Reads a group by its leader: how many events, nanoseconds enabled, nanoseconds on the PMU, and each event's count.
 * `words` has room for that, 3 + events; false where the kernel gives nothing, as of a CPU that went away.
 * Throws MeterError('map').
 */
export function readPerfGroup(subject: string, fd: number, words: BigUint64Array): boolean {
  const bytes = readNative(fd, words, words.byteLength);
  if (bytes >= 0) return bytes === words.byteLength;
  const number = errno();
  // A pinned event that lost its place, or a context that is gone.
  if (errnoName(number) === 'ENODEV') return false;
  throw describe('map', subject, new LibbpfError('read', number, []));
}

/** The same on a CPU that may not be online: undefined there (ENODEV). */
export function openPerfEventIfOnline(...parameters: Parameters<typeof openPerfEvent>): number | undefined {
  try {
    return openPerfEvent(...parameters);
  } catch (error) {
    if (libbpfCause(error)?.code === 'ENODEV') return undefined;
    throw error;
  }
}

const sampled = new BigUint64Array(2);

/** Nanoseconds that an event with `sampling` has been enabled for. Throws MeterError('map'). */
export function readEnabled(subject: string, fd: number): bigint {
  return readPerfGroup(subject, fd, sampled) ? sampled[1]! : 0n;
}

/** struct perf_event_attr of include/uapi/linux/perf_event.h. */
function encode(attributes: PerfEventAttributes, isLeader: boolean): DataView {
  const view = new DataView(new ArrayBuffer(attributesSize));
  const { sampling, excludes } = attributes;
  view.setUint32(0, attributes.type, true);
  view.setUint32(4, attributesSize, true);
  view.setBigUint64(8, attributes.config, true);
  if (sampling !== undefined) view.setBigUint64(16, 'period' in sampling ? sampling.period : sampling.frequency, true);
  if (attributes.isRaw === true) view.setBigUint64(24, BigInt(rawSample), true);
  view.setBigUint64(32, BigInt(sampling === undefined ? groupFormat : timeFormat), true);
  const disabled = isLeader ? 1 : 0;
  const excluded = excludes === undefined ? 0 : excludes === 'user' ? 1 << 4 : 1 << 5;
  const isFrequency = sampling !== undefined && 'frequency' in sampling ? 1 << 10 : 0;
  view.setUint32(40, disabled | excluded | isFrequency, true);
  view.setBigUint64(56, attributes.config1 ?? 0n, true);
  view.setBigUint64(64, attributes.config2 ?? 0n, true);
  return view;
}
