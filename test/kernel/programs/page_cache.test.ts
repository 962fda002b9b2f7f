import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import { bytes, dd, evict, growth, newFile, pages } from './cached-file.ts';
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

test('each metric has a hook of its own', () => {
  using added = count('page_cache', { metrics: ['page_cache.added'] });
  assert.deepEqual(added.attached, ['mm_filemap_add_to_page_cache']);
  using dirtied = count('page_cache', { metrics: ['page_cache.dirtied'] });
  const way = isKernelSince(5, 18) ? 'folio' : 'page';
  assert.deepEqual(dirtied.attached, [`writeback_dirty_${way}`]);
  assert.deepEqual(dirtied.ways, new Map([['dirtied', way]]));
});
