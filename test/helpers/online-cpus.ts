import { readFileSync } from 'node:fs';
import { type PossibleCpus, parseCpuList } from '../../src/kernel/cpus.ts';

/** The CPUs that run now, as the kernel says where nothing is mounted over its file; they may come and go. */
export function onlineCpus(): PossibleCpus {
  const file = '/sys/devices/system/cpu/online';
  return parseCpuList(readFileSync(file, 'latin1'), file);
}
