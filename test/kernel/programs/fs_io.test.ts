import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from './counting.ts';
import { fileSystem, noFunctions } from './file-system.ts';
import { holdCommand } from './held.ts';
import { nfs, noNfs } from './nfs.ts';

const operations = 997;
const metrics = ['fs.read.latency', 'fs.write.latency', 'fs_io.slow_operations', 'fs_io.operations.lost'];

for (const [title, mount, way, skip] of [
  ['ext4', () => fileSystem('ext4'), undefined, noFunctions],
  ['ext4', () => fileSystem('ext4'), 'kprobe', noFunctions],
  ['xfs', () => fileSystem('xfs'), undefined, noFunctions],
  ['btrfs', () => fileSystem('btrfs'), undefined, noFunctions],
  ['nfs 3', () => nfs(3), undefined, noNfs],
  ['nfs 4', () => nfs(4), undefined, noNfs],
  ['nfs 4', () => nfs(4), 'kprobe', noNfs],
] as const) {
  const [type = ''] = title.split(' ');
  const ways: Record<string, string> = way ? { [`${type}_read`]: way, [`${type}_write`]: way } : {};
  test(`reads and writes of files are measured on ${title}${way ? ` by ${way}` : ''}`, { skip }, async () => {
    await using fs = await mount();
    const file = `${fs.folder}/file`;
    const pages = ['bs=4096', `count=${operations}`, 'status=none'];

    const writing = holdCommand(['dd', 'if=/dev/zero', `of=${file}`, ...pages]);
    {
      using counting = count('fs_io', { constants: { only_tgid: writing.pid, slow_us: 0 }, metrics, ways });
      await writing.run();
      const latencies = await counting.histograms('fs.write.latency');
      assert.deepEqual([...latencies.keys()], [type]);
      assert.equal(latencies.get(type)!.count, operations);
      assert.deepEqual(await counting.histograms('fs.read.latency'), new Map());
      assert.deepEqual(await counting.numbers('fs_io.slow_operations'), new Map([[`${type} write dd`, operations]]));
    }

    const reading = holdCommand(['dd', `if=${file}`, 'of=/dev/null', ...pages]);
    using counting = count('fs_io', { constants: { only_tgid: reading.pid, slow_us: 3_600_000_000 }, metrics, ways });
    await reading.run();
    const latencies = await counting.histograms('fs.read.latency');
    assert.deepEqual([...latencies.keys()], [type]);
    assert.equal(latencies.get(type)!.count, operations);
    assert.ok(latencies.get(type)!.sum > 0);
    assert.deepEqual(await counting.histograms('fs.write.latency'), new Map());
    assert.deepEqual(await counting.numbers('fs_io.slow_operations'), new Map());
    assert.deepEqual(await counting.numbers('fs_io.operations.lost'), new Map([['', 0]]));
  });
}
