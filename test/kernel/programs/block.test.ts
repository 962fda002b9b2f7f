import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loopDevice } from '../../../bench/kernel/loop-device.ts';
import { count, type HistogramValue } from './counting.ts';

const mebibyte = 1 << 20;

function dd(...options: string[]): void {
  execFileSync('dd', [...options, 'status=none']);
}

/** Index of the one slot that has counts. */
function onlySlot({ slots }: HistogramValue): number {
  const used = slots.flatMap((value, slot) => (value > 0 ? [slot] : []));
  assert.equal(used.length, 1);
  return used[0]!;
}

test('direct reads, writes, flushes and discards are counted one by one, with their sizes', async () => {
  using device = loopDevice(mebibyte);
  using block = count('block', { constants: { only_device: device.number } });

  dd(`if=${device.path}`, 'of=/dev/null', 'bs=4096', 'count=23', 'iflag=direct');
  dd('if=/dev/zero', `of=${device.path}`, 'bs=65536', 'count=7', 'oflag=direct');
  dd('if=/dev/zero', `of=${device.path}`, 'bs=512', 'count=3', 'oflag=direct', 'conv=fsync');
  // Forced, or it looks for a file system before.
  execFileSync('blkdiscard', ['--force', '--offset', '0', '--length', '131072', device.path], { stdio: 'ignore' });

  const latency = await block.histograms('block.io.latency');
  const size = await block.histograms('block.io.size');
  const counts = (histograms: typeof latency) =>
    Object.fromEntries([...histograms].map(([key, { count }]) => [key, count]));
  const expected = {
    [`${device.name} read`]: 23,
    [`${device.name} write`]: 10,
    [`${device.name} flush`]: 1,
    [`${device.name} discard`]: 1,
  };
  assert.deepEqual(counts(latency), expected);
  assert.deepEqual(counts(size), expected);

  const reads = size.get(`${device.name} read`)!;
  assert.equal(reads.sum, 23 * 4096);
  assert.equal(reads.bounds[onlySlot(reads)], 4096);
  const writes = size.get(`${device.name} write`)!;
  assert.equal(writes.sum, 7 * 65_536 + 3 * 512);
  assert.equal(writes.slots[writes.bounds.indexOf(65_536)], 7);
  assert.equal(writes.slots[writes.bounds.indexOf(512)], 3);
  assert.equal(size.get(`${device.name} flush`)!.sum, 0);
  assert.equal(size.get(`${device.name} discard`)!.sum, 131_072);

  const { sum } = latency.get(`${device.name} read`)!;
  assert.ok(sum > 0 && sum < 23, `23 reads took ${sum} s`);
  assert.deepEqual(await block.numbers('block.io.errors'), new Map());
  assert.deepEqual(await block.numbers('block.io.unmatched'), new Map([['', 0]]));
});

test('other devices are not taken for the one that is counted', async () => {
  using counted = loopDevice(mebibyte);
  using other = loopDevice(mebibyte);
  using block = count('block', { constants: { only_device: counted.number } });
  dd(`if=${other.path}`, 'of=/dev/null', 'bs=4096', 'count=5', 'iflag=direct');
  assert.deepEqual(await block.histograms('block.io.latency'), new Map());
});

test('two devices are two series', async () => {
  using first = loopDevice(mebibyte);
  using second = loopDevice(mebibyte);
  using block = count('block', { metrics: ['block.io.size'] });
  assert.deepEqual(block.attached, ['block_rq_issue', 'block_rq_complete']);
  dd(`if=${first.path}`, 'of=/dev/null', 'bs=4096', 'count=11', 'iflag=direct');
  dd(`if=${second.path}`, 'of=/dev/null', 'bs=8192', 'count=13', 'iflag=direct');
  const size = await block.histograms('block.io.size');
  assert.equal(size.get(`${first.name} read`)?.sum, 11 * 4096);
  assert.equal(size.get(`${second.name} read`)?.sum, 13 * 8192);
});

test('requests that fail are counted by status, without the hook that only times need', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
  let path: string | undefined;
  try {
    // A disk that is larger than the memory behind it.
    const file = join(folder, 'disk');
    writeFileSync(file, '');
    truncateSync(file, mebibyte);
    path = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
    const [major, minor] = execFileSync('stat', ['-c', '%Hr %Lr', path], { encoding: 'utf8' }).trim().split(' ');
    using block = count('block', {
      metrics: ['block.io.errors'],
      constants: { only_device: Number(major) * mebibyte + Number(minor) },
    });
    assert.deepEqual(block.attached, ['block_rq_complete']);
    dd('if=/dev/zero', `of=${path}`, 'bs=65536', 'count=1', 'oflag=direct');
    const said = new Set<string>();
    for (let i = 1; i <= 7; i++) {
      const options = ['if=/dev/zero', `of=${path}`, 'bs=65536', 'count=1', `seek=${i}`, 'oflag=direct'];
      const { status, stderr } = spawnSync('dd', options, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
      assert.notEqual(status, 0);
      said.add(/writing .*: (.*)/.exec(stderr)?.[1] ?? stderr);
    }
    // Older loop devices make every error an I/O error, for the writer as for the hook.
    const statuses = { 'No space left on device': 'nospc', 'Input/output error': 'ioerr' };
    const expected = Object.entries(statuses).flatMap(([text, status]) => (said.has(text) ? [status] : []));
    assert.deepEqual(
      await block.numbers('block.io.errors'),
      new Map(expected.map((status) => [`${path!.slice('/dev/'.length)} ${status}`, 7])),
    );
    assert.equal(expected.length, 1);
  } finally {
    if (path !== undefined) execFileSync('losetup', ['--detach', path]);
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  }
});

test('the time in the queue is apart from the time in the device, and both by the request’s own stamps too', async () => {
  using device = loopDevice(mebibyte);
  const metrics = ['block.io.latency', 'block.io.queue.latency', 'block.io.size', 'block.io.unmatched'];
  const options = { metrics, constants: { only_device: device.number } };
  using own = count('block', options);
  using request = count('block', { ...options, ways: { request: 'request_stamp' } });
  assert.deepEqual(own.attached, ['block_rq_issue', 'block_rq_complete']);
  assert.deepEqual(request.attached, ['block_rq_complete']);
  const start = performance.now();
  dd(`if=${device.path}`, 'of=/dev/null', 'bs=4096', 'count=101', 'iflag=direct');
  const elapsed = (performance.now() - start) / 1000;
  const key = `${device.name} read`;
  const latency = (await own.histograms('block.io.latency')).get(key)!;
  const queue = (await own.histograms('block.io.queue.latency')).get(key)!;
  assert.equal(latency.count, 101);
  assert.equal(queue.count, 101);
  assert.ok(queue.sum > 0 && latency.sum + queue.sum < elapsed, `${queue.sum} s and ${latency.sum} s of ${elapsed} s`);

  const stamped = (await request.histograms('block.io.latency')).get(key);
  const unmatched = (await request.numbers('block.io.unmatched')).get('')!;
  assert.equal((stamped?.count ?? 0) + unmatched, 101);
  if (existsSync(`/sys/block/${device.name}/queue/wbt_lat_usec`)) assert.equal(unmatched, 0);
  if (stamped === undefined) return;
  assert.equal((await request.histograms('block.io.size')).get(key)!.sum, 101 * 4096);
  // The two read their clocks one after the other, which takes an emulated machine a while.
  const near = 5e-5 * 101 + 0.25 * (latency.sum + queue.sum);
  // From Linux 6.9 on the kernel's stamp may be from when the task began to plug.
  assert.ok(stamped.sum > latency.sum - near, `${stamped.sum} s and ${latency.sum} s`);
  const both = (await request.histograms('block.io.queue.latency')).get(key)!.sum + stamped.sum;
  assert.ok(Math.abs(both - queue.sum - latency.sum) < near, `${both} s and ${queue.sum + latency.sum} s`);
});

test('requests of a device that keeps no statistics are in no queue latency', async () => {
  using device = loopDevice(mebibyte);
  const switches = `/sys/block/${device.name}/queue/iostats`;
  writeFileSync(switches, '0');
  try {
    using block = count('block', { constants: { only_device: device.number } });
    dd(`if=${device.path}`, 'of=/dev/null', 'bs=4096', 'count=7', 'iflag=direct');
    const key = `${device.name} read`;
    assert.equal((await block.histograms('block.io.latency')).get(key)!.count, 7);
    assert.equal((await block.histograms('block.io.queue.latency')).get(key)!.count, 0);
  } finally {
    // The device outlives its file.
    writeFileSync(switches, '1');
  }
});
