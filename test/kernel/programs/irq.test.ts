import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildLoad } from '../../../bench/kernel/build.ts';
import { possibleCpus } from '../../../src/kernel/cpus.ts';
import { noVariables } from '../../helpers/kernel-symbols.ts';
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

for (const way of ['pending', 'unseen'] as const) {
  test(`each start of a soft interrupt has a latency, by ${way}`, {
    skip: way === 'pending' && noVariables,
  }, async () => {
    using irq = count('irq', { metrics: ['softirq.latency', 'softirq.duration'], ways: { raise: way } });
    const latencies = () => irq.histograms('softirq.latency');
    const durations = () => irq.histograms('softirq.duration');
    const outerFirst = await latencies();
    const innerFirst = await durations();
    execFileSync(load, ['disk', '101']);
    execFileSync(load, ['datagram', String(datagrams)]);
    execFileSync(load, ['fork', '307']);
    const innerLast = await durations();
    const outerLast = await latencies();
    // What was under way on a CPU, or raised there, when the program was attached.
    const underWay = 2 * possibleCpus().count;
    for (const [kind, { count }] of innerLast) {
      const started = count - (innerFirst.get(kind)?.count ?? 0);
      const measured = (outerLast.get(kind)?.count ?? 0) - (outerFirst.get(kind)?.count ?? 0);
      assert.ok(measured >= started - underWay, `${kind}: ${started} started, ${measured} have a latency`);
    }
  });
}

/** Device interrupts by their handlers' names, on all CPUs (/proc/interrupts). */
function interrupts(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const [cpus = '', ...lines] = readFileSync('/proc/interrupts', 'utf8').split('\n');
  const columns = cpus.trim().split(/\s+/).length;
  for (const line of lines) {
    const [, number, fields = ''] = /^\s*(\d+):\s+(.*)$/.exec(line) ?? [];
    if (number === undefined) continue;
    const count = fields
      .split(/\s+/, columns)
      .map(Number)
      .reduce((sum, value) => sum + value, 0);
    for (const name of readFileSync(`/sys/kernel/irq/${number}/actions`, 'utf8').trim().split(',')) {
      counts.set(name, (counts.get(name) ?? 0) + count);
    }
  }
  return counts;
}

test('interrupts are counted by their names, as many as the kernel counts', async () => {
  const outerFirst = interrupts();
  using irq = count('irq', { metrics: ['interrupt.duration', 'interrupt.lost'] });
  const durations = () => irq.histograms('interrupt.duration');
  const first = await durations();
  const innerFirst = interrupts();
  // Of the disk, whichever it is.
  execFileSync(load, ['disk', '101']);
  const innerLast = interrupts();
  const last = await durations();
  const outerLast = interrupts();

  const underWay = possibleCpus().count;
  let seen = 0;
  for (const [name, end] of innerLast) {
    const counted = (last.get(name)?.count ?? 0) - (first.get(name)?.count ?? 0);
    const inner = end - (innerFirst.get(name) ?? 0);
    const outer = outerLast.get(name)! - (outerFirst.get(name) ?? 0);
    assert.ok(counted >= inner - underWay && counted <= outer + underWay, `${name}: ${inner} ≤ ${counted} ≤ ${outer}`);
    if (inner > underWay) seen++;
  }
  assert.ok(seen > 0, 'a disk has interrupts');
  for (const name of last.keys()) assert.ok(innerLast.has(name), name);
  for (const { sum, count } of last.values()) assert.ok(sum > 0 && sum < count, `${count} took ${sum} s`);
  assert.deepEqual(await irq.numbers('interrupt.lost'), new Map([['', 0]]));
});

test('what is not enabled is not attached, and starts are before raises', () => {
  using latency = count('irq', { metrics: ['softirq.latency'] });
  assert.deepEqual(latency.attached, ['softirq_entry', noVariables ? 'softirq_raise_unseen' : 'softirq_raise']);
  using duration = count('irq', { metrics: ['softirq.duration'] });
  assert.deepEqual(duration.attached, ['softirq_entry', 'softirq_exit']);
  using interrupt = count('irq', { metrics: ['interrupt.duration'] });
  assert.deepEqual(interrupt.attached, ['irq_handler_entry', 'irq_handler_exit']);
});
