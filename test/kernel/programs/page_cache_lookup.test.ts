import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { test } from 'node:test';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import { bytes, dd, evict, growth, newFile, pages } from './cached-file.ts';

const noProbes = !existsSync('/sys/bus/event_source/devices/kprobe') && 'this kernel has no kprobes and no fentry';
const isRenamed = isKernelSince(5, 12);
const renamed = 'filemap_read is called so since 5.12';

/** Each way in, and why this kernel doesn't have it. */
const ways: readonly (readonly [string, string | false])[] = [
  ['tracepoint', isKernelSince(6, 12) ? false : 'mm_filemap_get_pages is since 6.12'],
  ['fentry', noProbes || (!isRenamed && renamed)],
  ['kprobe', noProbes || (!isRenamed && renamed)],
  ['old_fentry', noProbes || (isRenamed && renamed)],
  ['old_kprobe', noProbes || (isRenamed && renamed)],
];

for (const [way, skip] of ways) {
  test(`pages that reads want are counted, whether they are there or not: ${way}`, { skip }, async () => {
    const { path, inode } = newFile(`looked-up-${way}`, { written: true });
    const metrics = ['page_cache.looked_up', 'page_cache.looked_up.lost'];
    using cache = growth('page_cache_lookup', inode, metrics, { lookup: way });
    assert.equal(cache.ways.get('lookup'), way);
    const lookedUp = (act: () => void) => cache.of('page_cache.looked_up', act);
    const read = (...options: string[]) => lookedUp(() => dd(`if=${path}`, 'of=/dev/null', ...options));
    assert.equal(await read('bs=4096'), pages, 'cold, page by page');
    assert.equal(await read('bs=4096'), pages, 'warm');
    assert.equal(await read('bs=1024'), pages * 4, 'each of four reads of a page wants it');
    assert.equal(await read(`bs=${bytes}`, 'count=1'), pages, 'warm, in one read');
    evict(path);
    assert.equal(await read(`bs=${bytes}`, 'count=1'), pages, 'cold, in one read');
    assert.equal(await read('bs=16M', 'count=1'), pages, 'a read that wants more than there is');
    assert.equal(await read('bs=4096', 'skip=501', 'count=1'), 1);
    assert.equal(await read('bs=20480', 'skip=17', 'count=7'), 35);
    evict(path);
    assert.equal(await lookedUp(() => readAnywhere(path, 101)), 101, 'here and there');
    const rewrite = () => dd('if=/dev/zero', `of=${path}`, 'bs=4096', `count=${pages}`, 'conv=notrunc');
    assert.equal(await lookedUp(rewrite), 0, 'written, not read');
    assert.equal(await cache.of('page_cache.looked_up.lost', () => {}), 0);
  });
}

test('the cheapest way that this kernel has is taken', () => {
  const { inode } = newFile('cheapest', { written: false });
  using cache = growth('page_cache_lookup', inode, ['page_cache.looked_up']);
  assert.equal(cache.ways.get('lookup'), ways.find(([, skip]) => skip === false)?.[0]);
});

/** Reads so many pages of the file, never one behind another. */
function readAnywhere(path: string, times: number): void {
  const file = openSync(path, 'r');
  const page = new Uint8Array(4096);
  for (let i = 0; i < times; i++) readSync(file, page, 0, page.length, ((i * 389) % pages) * page.length);
  closeSync(file);
}
