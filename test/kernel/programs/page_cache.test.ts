import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import { bytes, dd, evict, folder, growth, newFile, pages } from './cached-file.ts';
import { count } from './counting.ts';

test('pages are added when they are read for the first time, and when they are new', async () => {
  const { path, inode } = newFile('read', { written: true });
  using cache = growth('page_cache', inode, ['page_cache.added']);
  const added = (...options: string[]) => cache.of('page_cache.added', () => dd(...options));
  // Counted, since for a read at the end 5.10 adds a page.
  assert.equal(await added(`if=${path}`, 'of=/dev/null', 'bs=4096', `count=${pages}`), pages, 'cold, page by page');
  assert.equal(await added(`if=${path}`, 'of=/dev/null', 'bs=4096', `count=${pages}`), 0, 'warm');
  evict(path);
  assert.equal(await added(`if=${path}`, 'of=/dev/null', `bs=${bytes}`, 'count=1'), pages, 'cold, in one read');

  const fresh = newFile('written', { written: false });
  using writing = growth('page_cache', fresh.inode, ['page_cache.added']);
  const write = () => dd('if=/dev/zero', `of=${fresh.path}`, 'bs=1024', `count=${pages * 4}`);
  assert.equal(await writing.of('page_cache.added', write), pages);
});

test('pages are dirtied once until they are written to the disk', async () => {
  const { path, inode } = newFile('dirtied', { written: true });
  using cache = growth('page_cache', inode, ['page_cache.dirtied']);
  const rewrite = () => dd('if=/dev/zero', `of=${path}`, 'bs=4096', `count=${pages}`, 'conv=notrunc');
  assert.equal(await cache.of('page_cache.dirtied', rewrite), pages);
  evict(path);
  const inPieces = () => dd('if=/dev/zero', `of=${path}`, 'bs=1024', 'count=23', 'conv=notrunc');
  assert.equal(await cache.of('page_cache.dirtied', inPieces), 6, '23 KiB');
});

test('huge pages without a file behind them are not added', async (t) => {
  const setting = '/proc/sys/vm/nr_hugepages';
  using resources = new DisposableStack();
  const before = readFileSync(setting, 'utf8');
  resources.defer(() => writeFileSync(setting, before));
  // What is in use may have left no memory in one piece.
  writeFileSync('/proc/sys/vm/compact_memory', '1');
  writeFileSync(setting, `${Number(before) + 1}`);
  const [, free, kilobytes] = /HugePages_Free: +(\d+)[\s\S]*Hugepagesize: +(\d+) kB/.exec(
    readFileSync('/proc/meminfo', 'utf8'),
  )!;
  if (Number(free) === 0) return t.skip('no memory for a huge page');

  const mounted = join(folder, 'huge');
  mkdirSync(mounted);
  execFileSync('mount', ['-t', 'hugetlbfs', 'none', mounted]);
  resources.defer(() => execFileSync('umount', [mounted]));
  const path = join(mounted, 'file');
  writeFileSync(path, '');
  using cache = growth('page_cache', statSync(path).ino, ['page_cache.added']);
  const allocate = () => execFileSync('fallocate', ['-l', `${kilobytes}K`, path]);
  assert.equal(await cache.of('page_cache.added', allocate), 0);
  assert.equal(statSync(path).blocks, Number(kilobytes) * 2, 'blocks of 512 bytes');
});

test('each metric has a hook of its own', () => {
  using added = count('page_cache', { metrics: ['page_cache.added'] });
  assert.deepEqual(added.attached, ['mm_filemap_add_to_page_cache']);
  using dirtied = count('page_cache', { metrics: ['page_cache.dirtied'] });
  const way = isKernelSince(5, 18) ? 'folio' : 'page';
  assert.deepEqual(dirtied.attached, [`writeback_dirty_${way}`]);
  assert.deepEqual(dirtied.ways, new Map([['dirtied', way]]));
});
