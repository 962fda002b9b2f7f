import { readFileSync } from 'node:fs';

/**
 * Whether the operator has the kernel measure the run time of all BPF programs: the sysctl kernel.bpf_stats_enabled, since
 * Linux 5.1. False where it can't be read.
 */
export function isRunTimeMeasured(path = '/proc/sys/kernel/bpf_stats_enabled'): boolean {
  try {
    return readFileSync(path, 'latin1').trim() === '1';
  } catch {
    return false;
  }
}
