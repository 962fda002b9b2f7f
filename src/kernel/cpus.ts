import { readFileSync } from 'node:fs';
import { MeterError } from '../errors.ts';

const possibleFile = '/sys/devices/system/cpu/possible';

/** The CPUs that the kernel has set memory aside for, whether or not they are there. */
export interface PossibleCpus {
  /** How many; a value of a per-CPU map has so many parts. */
  readonly count: number;
  /** One more than the highest number: the length of an array that is indexed by the CPU's number. */
  readonly indexes: number;
  /** Theirs, ascending: a per-CPU map's values come in this order. There may be gaps. */
  readonly numbers: readonly number[];
}

/**
 * Parses a list of CPUs such as `0-3,5` (Documentation/admin-guide/cputopology.rst).
 * Throws MeterError('environment') for anything else.
 */
export function parseCpuList(text: string, file = possibleFile): PossibleCpus {
  const numbers: number[] = [];
  for (const part of text.trim().split(',')) {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (first === undefined || Number(last) < Number(first)) {
      throw new MeterError('environment', `${file}: "${text.trim()}" is no list of CPUs`);
    }
    for (let number = Number(first); number <= Number(last); number++) numbers.push(number);
  }
  return { count: numbers.length, indexes: Math.max(...numbers) + 1, numbers };
}

let known: PossibleCpus | undefined;

/** The machine's possible CPUs; they don't change while it runs. Throws MeterError('environment') without sysfs. */
export function possibleCpus(): PossibleCpus {
  known ??= parseCpuList(read(possibleFile));
  return known;
}

/**
 * Takes the kernel's own number of possible CPUs where the file names others; returns what to warn of then. They are taken for
 * those from 0 on, as on nearly all machines. Throws MeterError('environment') without sysfs.
 */
export function correctPossibleCpus(count: number): MeterError | undefined {
  const listed = possibleCpus().count;
  if (listed === count) return undefined;
  known = parseCpuList(`0-${count - 1}`);
  const cpus = (number: number) => (number === 1 ? 'one CPU' : `${number} CPUs`);
  const message = `${possibleFile}: names ${cpus(listed)}, and the kernel has ${count}: those from 0 to ${count - 1} are read`;
  const remedy = "Something such as lxcfs is mounted there: let the exporter's container see the host's /sys";
  return new MeterError('environment', message, { remedy });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MeterError('environment', `${file}: not readable`, { cause, remedy: 'Mount sysfs on /sys' });
  }
}
