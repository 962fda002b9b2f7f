import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buildLoad } from '../../../bench/kernel/build.ts';
import { count } from './counting.ts';
import { noFunctions } from './file-system.ts';
import { memoryCgroup } from './memory-cgroup.ts';
import { stopped } from './stopping.ts';

const load = buildLoad();
const pages = 997;
const build = join(import.meta.dirname, '../../../build');
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

/** A file to swap to, 16 MiB, until the tests have ended. */
function useSwapFile(): void {
  mkdirSync(build, { recursive: true });
  const folder = mkdtempSync(join(build, 'swap-'));
  const file = join(folder, 'file');
  execFileSync('dd', ['if=/dev/zero', `of=${file}`, 'bs=1M', 'count=16', 'status=none']);
  execFileSync('chmod', ['600', file]);
  execFileSync('mkswap', [file], { env, stdio: 'ignore' });
  execFileSync('swapon', [file], { env });
  after(() => {
    execFileSync('swapoff', [file], { env });
    rmSync(folder, { recursive: true });
  });
}

/** Pages that are in swap space and in memory, so that nothing is read for them. */
function isAnySwapCached(): boolean {
  return !/^SwapCached: +0 kB$/m.test(readFileSync('/proc/meminfo', 'utf8'));
}

test('pages that are read from swap space are counted by who reads, and waits for them measured', {
  skip: noFunctions,
}, async () => {
  useSwapFile();
  // Nothing is read ahead.
  const cluster = '/proc/sys/vm/page-cluster';
  const before = readFileSync(cluster);
  writeFileSync(cluster, '0');
  using cgroup = memoryCgroup(2 ** 26);
  const child = spawn(
    'sh',
    ['-c', 'echo $$ >"$1"; exec "$2" swap-in "$3" stop', 'sh', cgroup.processes, load, String(pages)],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  try {
    await stopped(child.pid!);
    while (isAnySwapCached()) cgroup.shrink();
    using swap = count('swap');
    child.kill('SIGCONT');
    await stopped(child.pid!);
    assert.deepEqual(await swap.numbers('swap.reads'), new Map([['swap-in', pages]]));
    const latency = (await swap.histograms('swap.fault.latency')).get('')!;
    assert.equal(latency.count, pages);
    assert.ok(latency.sum > 0);
    assert.deepEqual(await swap.numbers('swap.reads.lost'), new Map([['', 0]]));
    assert.deepEqual(await swap.numbers('swap.fault.lost'), new Map([['', 0]]));
  } finally {
    child.kill('SIGKILL');
    await exited;
    writeFileSync(cluster, before);
  }
});
