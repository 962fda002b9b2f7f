import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import { count } from './counting.ts';

const pages = 997;
const bytes = pages * 4096;

// Not in the folder for temporary files: that may be in memory, whose pages are no page cache.
const build = join(import.meta.dirname, '../../../build');
mkdirSync(build, { recursive: true });
const folder = mkdtempSync(join(build, 'page-cache-'));
after(() => rmSync(folder, { recursive: true }));

function dd(...options: string[]): void {
  execFileSync('dd', [...options, 'status=none']);
}

/** A file that is empty, or has all its pages, on the disk and none of them in memory. */
function newFile(name: string, { written }: { written: boolean }): { path: string; inode: number } {
  const path = join(folder, name);
  writeFileSync(path, '');
  if (written) dd('if=/dev/zero', `of=${path}`, 'bs=4096', `count=${pages}`, 'conv=fsync');
  evict(path);
  return { path, inode: statSync(path).ino };
}

function evict(path: string): void {
  execFileSync('sync', [path]);
  dd(`if=${path}`, 'iflag=nocache', 'count=0');
}

/** The growth of each of the metrics by what the function does. */
function growth(program: string, inode: number, metrics: readonly string[]) {
  const counting = count(program, { constants: { only_inode: inode }, metrics });
  const last = new Map<string, number>();
  return {
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

test('pages are added when they are read for the first time, and when they are new', async () => {
  const { path, inode } = newFile('read', { written: true });
  using cache = growth('page_cache', inode, ['page_cache.added']);
  const added = (...options: string[]) => cache.of('page_cache.added', () => dd(...options));
  assert.equal(await added(`if=${path}`, 'of=/dev/null', 'bs=4096'), pages, 'cold, page by page');
  assert.equal(await added(`if=${path}`, 'of=/dev/null', 'bs=4096'), 0, 'warm');
  evict(path);
  assert.equal(await added(`if=${path}`, 'of=/dev/null', `bs=${bytes}`, 'count=1'), pages, 'cold, in one read');

  const fresh = newFile('written', { written: false });
  using writing = growth('page_cache', fresh.inode, ['page_cache.added']);
  const write = () => dd('if=/dev/zero', `of=${fresh.path}`, 'bs=1024', `count=${pages * 4}`);
  assert.equal(await writing.of('page_cache.added', write), pages);
});

const noDirtied = isKernelSince(5, 18) ? false : 'writeback_dirty_folio is since 5.18';
const noLookup = isKernelSince(6, 12) ? false : 'mm_filemap_get_pages is since 6.12';

test('pages are dirtied once until they are written to the disk', { skip: noDirtied }, async () => {
  const { path, inode } = newFile('dirtied', { written: true });
  using cache = growth('page_cache', inode, ['page_cache.dirtied']);
  const rewrite = () => dd('if=/dev/zero', `of=${path}`, 'bs=4096', `count=${pages}`, 'conv=notrunc');
  assert.equal(await cache.of('page_cache.dirtied', rewrite), pages);
  evict(path);
  const inPieces = () => dd('if=/dev/zero', `of=${path}`, 'bs=1024', 'count=23', 'conv=notrunc');
  assert.equal(await cache.of('page_cache.dirtied', inPieces), 6, '23 KiB');
});

test('each metric has a hook of its own', { skip: noDirtied }, () => {
  using added = count('page_cache', { metrics: ['page_cache.added'] });
  assert.deepEqual(added.attached, ['mm_filemap_add_to_page_cache']);
  using dirtied = count('page_cache', { metrics: ['page_cache.dirtied'] });
  assert.deepEqual(dirtied.attached, ['writeback_dirty_folio']);
});

test('pages that reads want are counted, whether they are there or not', { skip: noLookup }, async () => {
  const { path, inode } = newFile('looked-up', { written: true });
  using cache = growth('page_cache_lookup', inode, ['page_cache.looked_up', 'page_cache.looked_up.lost']);
  const read = (...options: string[]) =>
    cache.of('page_cache.looked_up', () => dd(`if=${path}`, 'of=/dev/null', ...options));
  assert.equal(await read('bs=4096'), pages, 'cold, page by page');
  assert.equal(await read('bs=4096'), pages, 'warm');
  assert.equal(await read('bs=1024'), pages * 4, 'each of four reads of a page wants it');
  assert.equal(await read(`bs=${bytes}`, 'count=1'), pages, 'warm, in one read');
  evict(path);
  assert.equal(await read(`bs=${bytes}`, 'count=1'), pages, 'cold, in one read');
  assert.equal(await read('bs=16M', 'count=1'), pages, 'a read that wants more than there is');
  assert.equal(await read('bs=4096', 'skip=501', 'count=1'), 1);
  assert.equal(await read('bs=20480', 'skip=17', 'count=7'), 35);
  assert.equal(await cache.of('page_cache.looked_up.lost', () => {}), 0);
});
