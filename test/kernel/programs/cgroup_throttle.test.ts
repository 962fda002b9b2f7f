import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { count } from './counting.ts';
import { noFunctions } from './file-system.ts';

const mounted = '/sys/fs/cgroup';
const times = 7;

/** Of cpu.stat: in how many periods it was held back, and for how long, in seconds. */
function throttled(folder: string): { periods: number; seconds: number } {
  const text = readFileSync(join(folder, 'cpu.stat'), 'utf8');
  const number = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)![1]);
  return { periods: number('nr_throttled'), seconds: number('throttled_usec') / 1e6 };
}

for (const way of ['fentry', 'kprobe'])
  test(`times that a cgroup is held back are measured by cgroup, as the kernel sums them up: by ${way}`, {
    skip: noFunctions,
  }, async () => {
    writeFileSync(join(mounted, 'cgroup.subtree_control'), '+cpu');
    const folder = join(mounted, `throttled-${process.pid}`);
    mkdirSync(folder);
    try {
      // 20 of 250 ms.
      writeFileSync(join(folder, 'cpu.max'), '20000 250000');
      using throttle = count('cgroup_throttle', { ways: { throttle: way } });
      const child = spawn('sh', ['-c', 'echo $$ >"$1"; while :; do :; done', 'sh', join(folder, 'cgroup.procs')]);
      const exited = once(child, 'exit');
      while (throttled(folder).periods < times) await setImmediate();
      child.kill('SIGKILL');
      await exited;
      const expected = throttled(folder);
      const latencies = await throttle.histograms('cgroup.cpu.throttled');
      assert.deepEqual([...latencies.keys()], [folder]);
      const { count: seen, sum } = latencies.get(folder)!;
      // Periods that pass while a timer is late count there, too.
      assert.ok(seen > 0 && seen <= expected.periods, `${seen} of ${expected.periods}`);
      // A virtual CPU may stand still between the kernel's clock and the program's.
      const ratio = sum / expected.seconds;
      assert.ok(ratio > 0.5 && ratio < 2, `${sum} s, the kernel: ${expected.seconds} s`);
      assert.deepEqual(await throttle.numbers('cgroup.cpu.throttled.lost'), new Map([['', 0]]));
    } finally {
      rmdirSync(folder);
    }
  });
