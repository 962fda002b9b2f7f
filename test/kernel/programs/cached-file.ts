import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { count } from './counting.ts';

export const pages = 997;
export const bytes = pages * 4096;

// Not in the folder for temporary files: that may be in memory, whose pages are no page cache.
const build = join(import.meta.dirname, '../../../build');
mkdirSync(build, { recursive: true });
/** On a disk; removed after the tests. */
export const folder = mkdtempSync(join(build, 'page-cache-'));
after(() => rmSync(folder, { recursive: true }));

/** Runs dd, and throws where it fails. */
export function dd(...options: string[]): void {
  execFileSync('dd', [...options, 'status=none']);
}

/** A file that is empty, or has all its pages, on the disk and none of them in memory. */
export function newFile(name: string, { written }: { written: boolean }): { path: string; inode: number } {
  const path = join(folder, name);
  writeFileSync(path, '');
  if (written) dd('if=/dev/zero', `of=${path}`, 'bs=4096', `count=${pages}`, 'conv=fsync');
  evict(path);
  return { path, inode: statSync(path).ino };
}

/** Has the kernel forget the file's pages. */
export function evict(path: string): void {
  execFileSync('sync', [path]);
  dd(`if=${path}`, 'iflag=nocache', 'count=0');
}

/** The growth of each of the metrics of a program, for this file alone, by what a function does. */
export function growth(
  program: string,
  inode: number,
  metrics: readonly string[],
  ways: Readonly<Record<string, string>> = {},
) {
  const counting = count(program, { constants: { only_inode: inode }, metrics, ways });
  const last = new Map<string, number>();
  return {
    ways: counting.ways,
    async of(metric: string, act: () => void): Promise<number> {
      act();
      const value = (await counting.numbers(metric)).get('')!;
      const before = last.get(metric) ?? 0;
      last.set(metric, value);
      return value - before;
    },
    [Symbol.dispose]: () => counting[Symbol.dispose](),
  };
}
