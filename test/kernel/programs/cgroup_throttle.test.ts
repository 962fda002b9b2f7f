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
      const differences: number[] = [];
      let last = { count: 0, sum: 0, seconds: 0 };
      while (differences.length < times) {
        await setImmediate();
        const { seconds } = throttled(folder);
        if (seconds === last.seconds) continue;
        const latencies = await throttle.histograms('cgroup.cpu.throttled');
        // The next one has ended since.
        if (throttled(folder).seconds !== seconds) continue;
        assert.deepEqual([...latencies.keys()], [folder]);
        const { count, sum } = latencies.get(folder)!;
        assert.ok(count > last.count, `${count} after ${last.count}`);
        differences.push(Math.abs(sum - last.sum - (seconds - last.seconds)));
        last = { count, sum, seconds };
      }
      child.kill('SIGKILL');
      await exited;
      const { periods } = throttled(folder);
      const { count: seen } = (await throttle.histograms('cgroup.cpu.throttled')).get(folder)!;
      // Periods that pass while a timer is late count there, too.
      assert.ok(seen >= times && seen <= periods, `${seen} of ${periods}`);
      // The kernel's clock is read a little apart from the program's, and a virtual CPU may stand still in between. To
      // measure another span, such as the whole period, would be 20 ms wrong.
      const [median] = differences.toSorted((a, b) => a - b).slice(times >> 1);
      assert.ok(median! < 0.01, `differences of ${differences.join(', ')} s of ${last.sum} s`);
      assert.deepEqual(await throttle.numbers('cgroup.cpu.throttled.lost'), new Map([['', 0]]));
    } finally {
      rmdirSync(folder);
    }
  });
