import { closeSync } from 'node:fs';
import { createPerCpuArray, lookup } from './map.ts';

/** More than any kernel is built for: x86-64 has at most 8192 (CONFIG_NR_CPUS). */
const mostCpus = 1 << 15;
const untouched = 0xa5a5_a5a5_a5a5_a5a5n;

/**
 * How many CPUs the kernel keeps values for, seen by how far it fills a buffer with those of a per-CPU map. What
 * /sys/devices/system/cpu/possible says may be another's, in a container, and values would then be read from the wrong places, or
 * written behind the end of a buffer. Throws MeterError('load', 'map') without the right to make maps.
 */
export function countPossibleCpus(): number {
  const fd = createPerCpuArray('possible_cpus');
  try {
    const values = new BigUint64Array(mostCpus).fill(untouched);
    lookup(fd, Uint32Array.of(0), values);
    return values.indexOf(untouched);
  } finally {
    closeSync(fd);
  }
}
