import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildLoad } from '../../../bench/kernel/build.ts';
import { possibleCpus } from '../../../src/kernel/cpus.ts';
import { count } from './counting.ts';

const datagrams = 1009;
const load = buildLoad();

/** Soft interrupts of network packets that came in, on all CPUs (/proc/softirqs). */
function received(): number {
  const line = /^\s*NET_RX:(.*)$/m.exec(readFileSync('/proc/softirqs', 'utf8'))?.[1] ?? '';
  return line
    .trim()
    .split(/\s+/)
    .reduce((sum, value) => sum + Number(value), 0);
}

test('soft interrupts are as many as the kernel counts, with a latency each', async () => {
  using irq = count('irq');
  const outerFirst = received();
  const durations = async () => (await irq.histograms('softirq.duration')).get('net_rx')?.count ?? 0;
  const first = await durations();
  const latencyFirst = (await irq.histograms('softirq.latency')).get('net_rx')?.count ?? 0;
  const innerFirst = received();
  execFileSync(load, ['datagram', String(datagrams)]);
  const innerLast = received();
  const duration = (await irq.histograms('softirq.duration')).get('net_rx')!;
  const latency = (await irq.histograms('softirq.latency')).get('net_rx')!;
  const outerLast = received();

  // The kernel counts one when it starts, the program when it has ended: there may be one under way on each CPU.
  const underWay = possibleCpus().count;
  assert.ok(innerLast - innerFirst >= datagrams);
  assert.ok(duration.count - first >= innerLast - innerFirst - underWay);
  assert.ok(duration.count - first <= outerLast - outerFirst + underWay);
  assert.ok(latency.count - latencyFirst >= datagrams);
  assert.ok(latency.count - latencyFirst <= outerLast - outerFirst + underWay);
  assert.ok(duration.sum > 0 && latency.sum > 0);
});

test('what is not enabled is not attached', () => {
  using latency = count('irq', { metrics: ['softirq.latency'] });
  assert.deepEqual(latency.attached, ['softirq_raise', 'softirq_entry']);
  using duration = count('irq', { metrics: ['softirq.duration'] });
  assert.deepEqual(duration.attached, ['softirq_entry', 'softirq_exit']);
});
