import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AggregationTemporality } from '@opentelemetry/sdk-metrics';
import { BpfMetricProducer } from '../../src/metrics/producer.ts';
import { temporalitySelector } from '../../src/readers/temporality.ts';
import { counter, FakeRows, FakeStore, gauge, tablePlan } from '../helpers/fake-rows.ts';

test('the first collection counts from the series’ start, later ones from the last commit', async () => {
  const { rows, deliver } = setUp();
  rows.set('a', [10]);
  assert.deepEqual(await deliver(1000), { a: [100, 1000, 10] });
  rows.set('a', [17]);
  assert.deepEqual(await deliver(1010), { a: [1000, 1010, 7] });
});

test('a series that did not change has a point of 0', async () => {
  const { rows, deliver } = setUp();
  rows.set('a', [10]);
  await deliver(1000);
  assert.deepEqual(await deliver(1010), { a: [1000, 1010, 0] });
});

test('a new series counts in full, from its own start where that is later', async () => {
  const { rows, deliver } = setUp();
  rows.set('a', [10]);
  await deliver(1000);
  rows.set('seen by another reader too', [3], [1005, 0]);
  rows.set('older', [4], [990, 0]);
  assert.deepEqual(await deliver(1010), {
    a: [1000, 1010, 0],
    'seen by another reader too': [1005, 1010, 3],
    older: [1000, 1010, 4],
  });
  assert.deepEqual((await deliver(1020))['seen by another reader too'], [1010, 1020, 0]);
});

test('a key that came back counts in full, whatever its row', async () => {
  const { rows, deliver } = setUp();
  rows.set('a', [10]);
  rows.set('b', [10]);
  await deliver(1000);
  rows.remove('a');
  assert.deepEqual(await deliver(1010), { b: [1000, 1010, 0] });
  rows.set('a', [12], [1010, 0]);
  assert.deepEqual(await deliver(1020), { a: [1010, 1020, 12], b: [1010, 1020, 0] });
  rows.remove('a');
  rows.remove('b');
  rows.set('a', [20], [1022, 0]);
  rows.set('b', [20], [1023, 0]);
  assert.deepEqual(await deliver(1030), { a: [1022, 1030, 20], b: [1023, 1030, 20] });
});

test('a reset counts the new value in full', async () => {
  const { rows, deliver } = setUp();
  rows.set('a', [10]);
  await deliver(1000);
  rows.set('a', [4]);
  assert.deepEqual(await deliver(1010), { a: [1000, 1010, 4] });
  rows.set('a', [5]);
  assert.deepEqual(await deliver(1020), { a: [1010, 1020, 1] });
});

test('a reset in one column resets the whole row', async () => {
  const rows = new FakeRows(tablePlan('events', 2, [counter('m', 0), counter('n', 1)]));
  const { deliver } = setUp(rows);
  rows.set('a', [10, 10]);
  await deliver(1000);
  rows.set('a', [12, 1]);
  assert.deepEqual(await deliver(1010), { a: [1000, 1010, 12] });
});

test('what failed to be delivered is carried over, with its start', async () => {
  const { rows, deliver, fail } = setUp();
  rows.set('a', [10]);
  assert.deepEqual(await fail(1000), { a: [100, 1000, 10] });
  rows.set('a', [15]);
  assert.deepEqual(await deliver(1010), { a: [100, 1010, 15] });
  rows.set('a', [18]);
  assert.deepEqual(await fail(1020), { a: [1010, 1020, 3] });
  rows.set('new', [1], [1020, 0]);
  assert.deepEqual(await fail(1030), { a: [1010, 1030, 3], new: [1020, 1030, 1] });
  rows.set('a', [19]);
  assert.deepEqual(await deliver(1040), { a: [1010, 1040, 4], new: [1020, 1040, 1] });
  assert.deepEqual(await deliver(1050), { a: [1040, 1050, 0], new: [1040, 1050, 0] });
});

test('a reset during an outage loses nothing that was seen before it', async () => {
  const { rows, deliver, fail } = setUp();
  rows.set('a', [100]);
  await deliver(1000);
  rows.set('a', [150]);
  await fail(1010);
  rows.set('a', [20]);
  assert.deepEqual(await deliver(1020), { a: [1000, 1020, 70] });
});

test('a key that vanishes during an outage is delivered after it, once', async () => {
  const { rows, deliver, fail } = setUp();
  rows.set('a', [10]);
  rows.set('b', [1]);
  await deliver(1000);
  rows.set('a', [15]);
  await fail(1010);
  rows.remove('a');
  assert.deepEqual(await fail(1020), { a: [1000, 1020, 5], b: [1000, 1020, 0] });
  assert.deepEqual(await deliver(1030), { a: [1000, 1030, 5], b: [1000, 1030, 0] });
  assert.deepEqual(await deliver(1040), { b: [1030, 1040, 0] });
});

test('a key that vanishes and comes back during an outage is one point', async () => {
  const { rows, deliver, fail } = setUp();
  rows.set('first', [0]);
  rows.set('a', [10]);
  await deliver(1000);
  rows.set('a', [15]);
  await fail(1010);
  // It comes back in a lower row than it had, in the same reading in which it is found to be gone.
  rows.remove('a');
  rows.remove('first');
  rows.set('a', [2], [1015, 0]);
  assert.deepEqual(await deliver(1020), { a: [1000, 1020, 7] });
  assert.deepEqual(await deliver(1030), { a: [1020, 1030, 0] });
});

test('vanished series that wait for an outage to end are limited', async () => {
  const { rows, errors, deliver, fail } = setUp();
  for (let i = 0; i < 1500; i++) rows.set(`old ${i}`, [1]);
  await fail(1000);
  for (let i = 0; i < 1500; i++) rows.remove(`old ${i}`);
  for (let i = 0; i < 1500; i++) rows.set(`new ${i}`, [1], [1005, 0]);
  await fail(1010);
  assert.deepEqual(errors(), []);
  for (let i = 0; i < 1500; i++) rows.remove(`new ${i}`);
  rows.set('last', [1]);
  const delivered = Object.keys(await deliver(1020));
  assert.equal(delivered.length, 1 + 1500);
  assert.match(errors().join(), /^fake: events: more series vanish than are kept .* are lost$/);
  assert.deepEqual(Object.keys(await deliver(1030)), ['last']);
  assert.deepEqual(errors(), []);
});

test('a table that could not be read keeps its increments, and its start', async () => {
  const other = new FakeRows(tablePlan('other', 1, [counter('other')]));
  const { rows, deliver, fail } = setUp(new FakeRows(tablePlan('events', 1, [counter('m')])), other);
  rows.set('a', [10]);
  other.set('x', [1]);
  await deliver(1000);
  rows.set('a', [15]);
  await fail(1010);
  rows.readable = false;
  assert.deepEqual(await deliver(1020), { x: [1000, 1020, 0] });
  rows.readable = true;
  rows.set('a', [16]);
  assert.deepEqual(await deliver(1030), { a: [1000, 1030, 6] });
});

test('a commit twice, or without a collection, commits nothing', async () => {
  const { rows, producer, deliver, fail } = setUp();
  producer.commit();
  rows.set('a', [10]);
  await deliver(1000);
  producer.commit();
  rows.set('a', [11]);
  await fail(1010);
  assert.deepEqual(await deliver(1020), { a: [1000, 1020, 1] });
});

test('gauges are what they are', async () => {
  const rows = new FakeRows(tablePlan('load', 1, [gauge('m')]));
  const { deliver } = setUp(rows);
  rows.set('a', [10]);
  await deliver(1000);
  rows.set('a', [7]);
  assert.deepEqual(await deliver(1010), { a: [100, 1010, 7] });
});

/** `deliver` and `fail` collect the first metric: by series its start in seconds, its time, its value. */
function setUp(rows = new FakeRows(tablePlan('events', 1, [counter('m')])), ...others: FakeRows[]) {
  const store = new FakeStore(rows, ...others);
  const producer = new BpfMetricProducer(store, temporalitySelector('delta'), '1');
  let last: readonly unknown[] = [];
  const errors = () => last.map((error) => (error as Error).message);
  const fail = async (time: number) => {
    store.time = time;
    const { resourceMetrics, errors } = await producer.collect();
    last = errors;
    const [metric] = resourceMetrics.scopeMetrics[0]?.metrics ?? [];
    assert.equal(metric?.aggregationTemporality, AggregationTemporality.DELTA);
    return Object.fromEntries(
      metric.dataPoints.map(({ attributes, startTime, endTime, value }) => [
        String(attributes.key),
        [startTime[0], endTime[0], value],
      ]),
    );
  };
  const deliver = async (time: number) => {
    const collected = await fail(time);
    producer.commit();
    return collected;
  };
  return { rows, producer, errors, fail, deliver };
}
