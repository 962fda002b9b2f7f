import { closeSync } from 'node:fs';
import { describe, LibbpfError, resultOrThrow } from './error.ts';
import { kernelInfo } from './info.ts';
import { libbpf } from './library.ts';

/** BPF_STATS_RUN_TIME of include/uapi/linux/bpf.h. */
const runTime = 0;

const enableNative = libbpf<(type: number) => number>('int bpf_enable_stats(int type)');

/**
 * Has the kernel measure the run time of all BPF programs until it is disposed (BPF_ENABLE_STATS, Linux 5.8).
 * It costs some 70 % on top of a cheap program, and needs CAP_SYS_ADMIN. Throws MeterError('environment').
 */
export function enableStats(): Disposable {
  let fd: number | undefined = resultOrThrow('environment', 'BPF statistics', 'bpf_enable_stats', () =>
    enableNative(runTime),
  );
  return {
    [Symbol.dispose]() {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
}

/** What the kernel says of a loaded program. */
export interface ProgramInfo {
  readonly id: number;
  /** Hash of its instructions, 16 hexadecimal digits, as bpftool shows it. */
  readonly tag: string;
  /** Nanoseconds in all runs that were measured; 0 unless statistics are enabled. */
  readonly runTimeNs: number;
  readonly runCount: number;
  /** Runs that were left out because the program was already running on that CPU; 0 before Linux 5.12. */
  readonly recursionMisses: number;
}

/** Asks for a program by its fd. Throws MeterError('load'). */
export function programInfo(fd: number): ProgramInfo {
  const info = kernelInfo(fd);
  if (typeof info === 'number') {
    throw describe('load', `program fd ${fd}`, new LibbpfError('bpf_obj_get_info_by_fd', -info, []));
  }
  const { view, u64 } = info;
  return {
    id: view.getUint32(4, true),
    tag: Buffer.from(view.buffer, 8, 8).toString('hex'),
    runTimeNs: u64(192),
    runCount: u64(200),
    recursionMisses: u64(208),
  };
}
