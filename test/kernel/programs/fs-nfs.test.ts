import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import { count } from './counting.ts';
import { hold } from './held.ts';
import { nfs, noNfs } from './nfs.ts';
import { checkOpensAndSyncs } from './opens.ts';

const noTypes = noNfs || (isKernelSince(5, 11) ? false : "modules' functions have no types before 5.11");

for (const [version, way, skip] of [
  [3, 'fentry', noTypes],
  [4, 'fentry', noTypes],
  [3, 'kprobe', noNfs],
] as const) {
  test(`opens and syncs of files are measured on NFS version ${version}, by ${way}`, { skip }, async () => {
    await using fs = await nfs(version);
    await checkOpensAndSyncs('nfs', fs.folder, {
      nfs_open: way,
      nfs4_open: way,
      nfs4_atomic_open: way,
      nfs_fsync: way,
    });
  });
}

for (const [way, skip] of [
  ['fentry', noTypes],
  ['kprobe', noNfs],
] as const) {
  test(`files are opened once, whether NFS version 4 opens them as it makes them or later, by ${way}`, {
    skip,
  }, async () => {
    await using fs = await nfs(4);
    const script = `
      mkdir folder
      i=0; while [ $i -lt 97 ]; do : >file$i; i=$((i+1)); done
      i=0; while [ $i -lt 11 ]; do : <file0; i=$((i+1)); done
      i=0; while [ $i -lt 7 ]; do read x <missing; : <folder; i=$((i+1)); done 2>&-
      exit 0`;
    const shell = hold(script, [], fs.folder);
    const ways = { nfs4_open: way, nfs4_atomic_open: way };
    using counting = count('fs', { constants: { only_tgid: shell.pid, slow_us: 0 }, ways });
    await shell.run();
    assert.equal((await counting.histograms('fs.open.latency')).get('nfs')!.count, 97 + 11);
    assert.deepEqual(await counting.numbers('fs.slow_operations'), new Map([['nfs open sh', 97 + 11]]));
    assert.deepEqual(await counting.numbers('fs.operations.lost'), new Map([['', 0]]));
  });
}
