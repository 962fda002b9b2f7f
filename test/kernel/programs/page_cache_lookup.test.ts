import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import { bytes, dd, evict, growth, newFile, pages } from './cached-file.ts';

const skip = isKernelSince(6, 12) ? false : 'mm_filemap_get_pages is since 6.12';

test('pages that reads want are counted, whether they are there or not', { skip }, async () => {
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
