import { readFileSync } from 'node:fs';
import { libc } from './library.ts';

const madvise = libc<(address: bigint, length: bigint, advice: number) => number>('int madvise(uint64_t, size_t, int)');

/** Source: linux/mman.h. */
const MADV_DONTNEED = 4;

/**
 * Takes the pages of programs and libraries, code and constants, out of this process's memory, since most of them only
 * the start has used: Node's compiler, its snapshot. They stay in the page cache, from which what is needed again comes
 * back in microseconds.
 * Source: madvise(2); proc_pid_smaps(5).
 */
export function dropCode(): void {
  try {
    for (const { start, end } of codeMappings(readFileSync('/proc/self/smaps', 'utf8'))) {
      madvise(start, end - start, MADV_DONTNEED);
    }
  } catch {
    // No more than memory is lost, where there is no /proc.
  }
}

/**
 * Mappings of files that can't be written to, as /proc/PID/smaps lists them, and in which nothing was changed: the
 * dynamic linker's relocations and a debugger's breakpoints would be lost.
 */
export function codeMappings(smaps: string): { start: bigint; end: bigint }[] {
  const found: { start: bigint; end: bigint }[] = [];
  for (const mapping of smaps.split(/\n(?=[\da-f]+-[\da-f]+ )/)) {
    const [, start, end] = /^([\da-f]+)-([\da-f]+) r-[-x]p \S+ \S+ \d+ +\//.exec(mapping) ?? [];
    if (start === undefined || !/^Anonymous: +0 kB$/m.test(mapping)) continue;
    found.push({ start: BigInt(`0x${start}`), end: BigInt(`0x${end}`) });
  }
  return found;
}
