import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { buildLoad } from '../../../bench/kernel/build.ts';
import { count } from './counting.ts';

const load = buildLoad();
const bytes = 101;
/** What carries bytes through a pseudo-terminal; nobody else here has one. */
const work = 'flush_to_ldisc';

test('work items are counted by function, with the time that they waited and ran', async () => {
  using workqueue = count('workqueue');
  const start = performance.now();
  execFileSync(load, ['terminal', String(bytes)]);
  const seconds = (performance.now() - start) / 1000;
  const latency = (await workqueue.histograms('workqueue.latency')).get(work)!;
  const duration = (await workqueue.histograms('workqueue.duration')).get(work)!;
  assert.equal(latency.count, bytes);
  assert.equal(duration.count, bytes);
  // One after the other, but that the last steps of one and the wait of the next may overlap.
  assert.ok(latency.sum > 0 && latency.sum < seconds, `${latency.sum} s of ${seconds} s`);
  assert.ok(duration.sum > 0 && duration.sum < seconds, `${duration.sum} s of ${seconds} s`);
  assert.equal((await workqueue.numbers('workqueue.unmatched')).get(work), 0);
  assert.deepEqual(await workqueue.numbers('workqueue.lost'), new Map([['', 0]]));
});

test('an item that is queued again after a worker took it, and before its start is traced, has both times', async () => {
  using workqueue = count('workqueue');
  execFileSync(load, ['terminal-flood', '200003']);
  const latency = (await workqueue.histograms('workqueue.latency')).get(work)!;
  const duration = (await workqueue.histograms('workqueue.duration')).get(work)!;
  assert.ok(latency.count > 0);
  assert.equal(latency.count, duration.count);
  assert.equal((await workqueue.numbers('workqueue.unmatched')).get(work), 0);
});

test('what is not enabled is not attached, nor counted, and ends are before beginnings', async () => {
  using latency = count('workqueue', { metrics: ['workqueue.latency', 'workqueue.unmatched'] });
  using duration = count('workqueue', { metrics: ['workqueue.duration'] });
  assert.deepEqual(latency.attached, [
    // Which tells that an item is queued again while it runs, not in the moment before that.
    'workqueue_execute_end',
    'workqueue_execute_start',
    'workqueue_queue_work',
  ]);
  assert.deepEqual(duration.attached, ['workqueue_execute_end', 'workqueue_execute_start']);
  execFileSync(load, ['terminal', String(bytes)]);
  assert.equal((await latency.histograms('workqueue.latency')).get(work)?.count, bytes);
  assert.equal((await duration.histograms('workqueue.duration')).get(work)?.count, bytes);
});
