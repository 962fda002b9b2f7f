import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import { count } from './counting.ts';
import { fileSystem, noFunctions } from './file-system.ts';
import { hold, holdCommand } from './held.ts';
import { checkOpensAndSyncs, syncs, syncWrites } from './opens.ts';

for (const type of ['ext4', 'xfs', 'btrfs'] as const) {
  test(`opens and syncs of files are measured on ${type}`, { skip: noFunctions }, async () => {
    using fs = fileSystem(type);
    await checkOpensAndSyncs(type, fs.folder);
  });
}

for (const type of ['ext4', 'xfs', 'btrfs'] as const) {
  const skip = type === 'ext4' && isKernelSince(5, 11) ? false : noFunctions;
  test(`syncs of directories are in it on ${type}, and opens of them aren't`, { skip }, async () => {
    using fs = fileSystem(type);
    const directories = Array.from({ length: 23 }, () => fs.folder);
    const syncing = holdCommand(['sync', ...directories]);
    using counting = count('fs', { constants: { only_tgid: syncing.pid } });
    await syncing.run();
    assert.equal((await counting.histograms('fs.fsync.latency')).get(type)!.count, directories.length);
    if (noFunctions) return;
    assert.equal((await counting.histograms('fs.open.latency')).get(type)?.count ?? 0, 0);
  });
}

for (const [way, skip] of [
  ['fentry', noFunctions || (isKernelSince(5, 11) ? false : "modules' functions have no types before 5.11")],
  ['tracepoint', isKernelSince(5, 11) ? false : "modules' tracepoints have no types before 5.11"],
  ['kprobe', noFunctions],
] as const) {
  test(`syncs are the same by ${way}`, { skip }, async () => {
    using fs = fileSystem('ext4');
    const writing = holdCommand(syncWrites(`${fs.folder}/file`));
    const options = { constants: { only_tgid: writing.pid }, metrics: ['fs.fsync.latency'], ways: { ext4_fsync: way } };
    using counting = count('fs', options);
    assert.equal(counting.ways.get('ext4_fsync'), way);
    await writing.run();
    assert.equal((await counting.histograms('fs.fsync.latency')).get('ext4')!.count, syncs);
  });
}

test('slow operations of names for which there is no room are counted as lost', async () => {
  using fs = fileSystem('ext4');
  const metrics = ['fs.slow_operations', 'fs.slow_operations.lost'];
  // Ways that are known to be there or not: an object that is opened again has its own sizes again.
  const hooks = ['ext4', 'xfs', 'btrfs', 'nfs'].flatMap((name) => [`${name}_open`, `${name}_fsync`]);
  const others = ['xfs_dir_fsync', 'nfs4_open', 'nfs4_atomic_open'];
  const probes = Object.fromEntries([...hooks, ...others].map((name) => [name, 'kprobe']));
  const ways = noFunctions ? { ...probes, ext4_fsync: 'tracepoint' } : probes;
  using counting = count('fs', { constants: { slow_us: 0 }, metrics, ways, maxEntries: { slow_operations: 1 } });
  await holdCommand(syncWrites(`${fs.folder}/one`)).run();
  assert.equal((await counting.numbers('fs.slow_operations')).size, 1);
  const before = (await counting.numbers('fs.slow_operations.lost')).get('')!;
  const script = `cp "$(command -v dd)" renamed && ./renamed ${syncWrites('two').slice(1).join(' ')}`;
  await hold(script, [], fs.folder).run();
  const lost = (await counting.numbers('fs.slow_operations.lost')).get('')! - before;
  assert.ok(lost >= syncs, `${lost}`);
});
