import { MeterError } from '../errors.ts';
import { correctPossibleCpus } from '../kernel/cpus.ts';
import { countPossibleCpus } from '../libbpf/possible-cpus.ts';

/**
 * Holds the file of possible CPUs against what the kernel does, before anything is sized by it; returns what to warn of.
 * Without the right to make maps nothing can be read of any, and programs say so. Throws MeterError('environment').
 */
export function checkPossibleCpus(): MeterError | undefined {
  let count: number;
  try {
    count = countPossibleCpus();
  } catch (error) {
    if (error instanceof MeterError && error.code !== 'environment') return undefined;
    throw error;
  }
  return correctPossibleCpus(count);
}
