import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildLoad } from '../../../bench/kernel/build.ts';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import { count } from './counting.ts';
import { noFunctions } from './file-system.ts';
import { memoryCgroup } from './memory-cgroup.ts';
import { stopped } from './stopping.ts';

const load = buildLoad();
const pages = 997;
const probe = isKernelSince(6, 10) ? 'folio_kprobe' : 'page_kprobe';
const build = join(import.meta.dirname, '../../../build');
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

/** A file of 16 MiB to swap to, until it is disposed. */
function swapFile(): Disposable {
  mkdirSync(build, { recursive: true });
  const folder = mkdtempSync(join(build, 'swap-'));
  const file = join(folder, 'file');
  execFileSync('dd', ['if=/dev/zero', `of=${file}`, 'bs=1M', 'count=16', 'status=none']);
  execFileSync('chmod', ['600', file]);
  execFileSync('mkswap', [file], { env, stdio: 'ignore' });
  execFileSync('swapon', [file], { env });
  return {
    [Symbol.dispose]() {
      execFileSync('swapoff', [file], { env });
      rmSync(folder, { recursive: true });
    },
  };
}

/** Pages that are in swap space and in memory, so that nothing is read for them. */
function isAnySwapCached(): boolean {
  return !/^SwapCached: +0 kB$/m.test(readFileSync('/proc/meminfo', 'utf8'));
}

for (const way of ['fentry', 'kprobe'])
  test(`pages read from swap space are counted by who reads, and waits for them measured: by ${way}`, {
    skip: noFunctions,
  }, async () => {
    using _swap = swapFile();
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
      using swap = count('swap', { ways: way === 'fentry' ? {} : { do_swap_page: way, swap_read: probe } });
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
