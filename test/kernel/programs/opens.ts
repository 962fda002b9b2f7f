import assert from 'node:assert/strict';
import { count } from './counting.ts';
import { hold } from './held.ts';

const opens = 997;
/** How many writes syncWrites() makes. */
export const syncs = 97;

/** A command of as many synchronous writes, each of which syncs. */
export function syncWrites(file: string): string[] {
  return ['dd', 'if=/dev/zero', `of=${file}`, 'bs=4096', `count=${syncs}`, 'oflag=dsync', 'status=none'];
}

/** Opens and syncs a file in `folder`, and asserts that the program `fs` counts that exactly, as of this type of file system. */
export async function checkOpensAndSyncs(type: string, folder: string, ways: Readonly<Record<string, string>> = {}) {
  await hold(': >file', [], folder).run();
  const open = `i=0; while [ $i -lt ${opens} ]; do : <file; i=$((i+1)); done`;
  const shell = hold(`${open}; exec ${syncWrites('file').join(' ')}`, [], folder);
  using counting = count('fs', { constants: { only_tgid: shell.pid, slow_us: 0 }, ways });
  await shell.run();
  for (const [metric, expected] of [
    ['fs.open.latency', opens + 1],
    ['fs.fsync.latency', syncs],
  ] as const) {
    const latencies = await counting.histograms(metric);
    assert.deepEqual([...latencies.keys()], [type]);
    assert.equal(latencies.get(type)!.count, expected);
    assert.ok(latencies.get(type)!.sum > 0);
  }
  const slow = { [`${type} open sh`]: opens, [`${type} open dd`]: 1, [`${type} fsync dd`]: syncs };
  assert.deepEqual(Object.fromEntries(await counting.numbers('fs.slow_operations')), slow);
  assert.deepEqual(await counting.numbers('fs.slow_operations.lost'), new Map([['', 0]]));
  assert.deepEqual(await counting.numbers('fs.operations.lost'), new Map([['', 0]]));
}
