import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { counter, FakeRows, gauge, tablePlan } from '../../helpers/fake-rows.ts';
import { encoding, type SentRequest } from './encoding.ts';
import { LATENCY } from './set-up.ts';

describe('delta', () => {
  test('the first export counts from the series’ start, later ones from what was acknowledged', async () => {
    const { rows, deliver } = setUp('delta');
    rows.set('a', [10]);
    assert.deepEqual(await deliver(1000), { a: [100, 1000, 10] });
    rows.set('a', [17]);
    assert.deepEqual(await deliver(1010), { a: [1000, 1010, 7] });
    assert.deepEqual(await deliver(1020), { a: [1010, 1020, 0] }, 'intervals without gaps');
  });

  test('a new series counts in full from its own start', async () => {
    const { rows, deliver } = setUp('delta');
    rows.set('a', [10]);
    await deliver(1000);
    rows.set('b', [3], [1005, 0]);
    assert.deepEqual(await deliver(1010), { a: [1000, 1010, 0], b: [1005, 1010, 3] });
  });

  test('a key that came back counts in full, whatever its row', async () => {
    const { rows, deliver } = setUp('delta');
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

  test('a reset counts the new value in full, in all columns of the row', async () => {
    const rows = new FakeRows(tablePlan('events', 2, [counter('m', 0), counter('n', 1)]));
    const { deliver } = setUp('delta', rows);
    rows.set('a', [10, 10]);
    await deliver(1000);
    rows.set('a', [12, 1]);
    assert.deepEqual(await deliver(1010), { a: [1000, 1010, 12] });
    rows.set('a', [13, 1]);
    assert.deepEqual(await deliver(1020), { a: [1010, 1020, 1] });
  });

  test('what failed to be delivered is in the next, with its start', async () => {
    const { rows, deliver, fail } = setUp('delta');
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
  });

  test('a reset during an outage loses nothing that was seen before it', async () => {
    const { rows, deliver, fail } = setUp('delta');
    rows.set('a', [100]);
    await deliver(1000);
    rows.set('a', [150]);
    await fail(1010);
    rows.set('a', [20]);
    await fail(1020);
    rows.set('a', [21]);
    assert.deepEqual(await deliver(1030), { a: [1000, 1030, 71] });
    assert.deepEqual(await deliver(1040), { a: [1030, 1040, 0] });
  });

  test('a key that vanishes during an outage is delivered after it, once, with its last time', async () => {
    const { rows, deliver, fail } = setUp('delta');
    rows.set('a', [10]);
    rows.set('b', [1]);
    await deliver(1000);
    rows.set('a', [15]);
    await fail(1010);
    rows.remove('a');
    assert.deepEqual(await fail(1020), { a: [1000, 1010, 5], b: [1000, 1020, 0] });
    assert.deepEqual(await deliver(1030), { a: [1000, 1010, 5], b: [1000, 1030, 0] });
    assert.deepEqual(await deliver(1040), { b: [1030, 1040, 0] });
  });

  test('a key that vanishes without anything undelivered leaves nothing', async () => {
    const { rows, deliver } = setUp('delta');
    rows.set('a', [10]);
    await deliver(1000);
    rows.remove('a');
    assert.deepEqual(await deliver(1010), {});
  });

  test('a key that vanishes and comes back during an outage, more than once, is one point', async () => {
    const { rows, deliver, fail } = setUp('delta');
    rows.set('first', [0]);
    rows.set('a', [10]);
    await deliver(1000);
    rows.set('a', [15]);
    await fail(1010);
    // It comes back in a lower row than it had, in the same reading in which it is found to be gone.
    rows.remove('a');
    rows.remove('first');
    rows.set('a', [2], [1015, 0]);
    assert.deepEqual(await fail(1020), { a: [1000, 1020, 7] });
    rows.remove('a');
    await fail(1030);
    rows.set('a', [4], [1030, 0]);
    assert.deepEqual(await deliver(1040), { a: [1000, 1040, 11] });
    assert.deepEqual(await deliver(1050), { a: [1040, 1050, 0] });
  });

  test('a table that could not be read keeps its increments, and its start', async () => {
    const { rows, deliver, fail } = setUp('delta');
    rows.set('a', [10]);
    await deliver(1000);
    rows.set('a', [15]);
    await fail(1010);
    rows.readable = false;
    assert.deepEqual(await deliver(1020), {});
    rows.readable = true;
    rows.set('a', [16]);
    assert.deepEqual(await deliver(1030), { a: [1000, 1030, 6] });
  });

  test('vanished series that wait for an outage to end are limited, and counted beyond', async () => {
    const { rows, dropped, deliver, fail } = setUp('delta');
    for (let i = 0; i < 1200; i++) rows.set(`old ${i}`, [1]);
    await fail(1000);
    for (let i = 0; i < 1200; i++) rows.remove(`old ${i}`);
    for (let i = 0; i < 300; i++) rows.set(`new ${i}`, [1], [1005, 0]);
    await fail(1010);
    assert.equal(dropped.length, 0);
    for (let i = 0; i < 300; i++) rows.remove(`new ${i}`);
    rows.set('last', [1]);
    const delivered = Object.keys(await deliver(1020));
    assert.equal(delivered.length, 1 + 1200);
    assert.deepEqual(dropped, Array(300).fill('m'));
    assert.deepEqual(Object.keys(await deliver(1030)), ['last']);
  });

  test('gauges are what they are', async () => {
    const rows = new FakeRows(tablePlan('load', 1, [gauge('m')]));
    const { deliver } = setUp('delta', rows);
    rows.set('a', [10]);
    await deliver(1000);
    rows.set('a', [7]);
    assert.deepEqual(await deliver(1010), { a: [100, 1010, 7] });
    rows.remove('a');
    assert.deepEqual(await deliver(1020), {});
  });

  test('a histogram: slots and sum', async () => {
    const rows = new FakeRows(tablePlan('t', 6, [LATENCY]));
    const { send } = encoding([rows], 'delta');
    rows.set('a', [0, 0, 10, 20, 30, 4000]);
    await send(1000, () => true);
    rows.set('a', [0, 0, 11, 20, 33, 7500]);
    const [request] = await send(1010, () => true);
    const [point] = request!.metrics[0]!.points;
    assert.deepEqual([point!.counts, point!.count, point!.sum], [[1, 0, 3], 4, 3.5]);
    assert.deepEqual(request!.counted, { 'ebpf.latency': 4 });
  });

  for (const { type, sum } of [
    { type: 'i64', sum: -0.004 },
    { type: 'u64', sum: 0.006 },
  ] as const) {
    test(`a histogram’s ${type} sum that goes down is ${sum < 0 ? 'no reset' : 'a reset'}`, async () => {
      const rows = new FakeRows(tablePlan('t', 6, [LATENCY], type));
      const { send } = encoding([rows], 'delta');
      rows.set('a', [0, 0, 1, 0, 0, 10]);
      await send(1000, () => true);
      rows.set('a', [0, 0, 2, 0, 0, 6]);
      const [request] = await send(1010, () => true);
      assert.equal(request!.metrics[0]!.points[0]!.sum, sum);
    });
  }
});

describe('cumulative', () => {
  test('the start is the series’, and stays', async () => {
    const { rows, deliver, fail } = setUp('cumulative');
    rows.set('a', [1]);
    await deliver(1000);
    rows.set('a', [3]);
    rows.set('b', [1], [1000, 0]);
    assert.deepEqual(await fail(1010), { a: [100, 1010, 3], b: [1000, 1010, 1] });
    assert.deepEqual(await deliver(1020), { a: [100, 1020, 3], b: [1000, 1020, 1] });
  });

  test('a value that went down starts anew at the previous reading', async () => {
    const { rows, deliver } = setUp('cumulative');
    rows.set('a', [50]);
    rows.set('b', [50]);
    await deliver(1000);
    await deliver(1010);
    rows.set('a', [20]);
    rows.set('b', [60]);
    assert.deepEqual(await deliver(1020), { a: [1010, 1020, 20], b: [100, 1020, 60] });
    rows.set('a', [30]);
    assert.deepEqual(await deliver(1030), { a: [1010, 1030, 30], b: [100, 1030, 60] });
  });

  test('a row given to another series keeps nothing of the old one', async () => {
    const { rows, deliver } = setUp('cumulative');
    rows.set('a', [50]);
    await deliver(1000);
    rows.remove('a');
    rows.set('new', [3], [1005, 0]);
    assert.deepEqual(await deliver(1010), { new: [1005, 1010, 3] });
  });

  test('the last total of a series that vanished in an outage is delivered after it, once, before its successor', async () => {
    const rows = new FakeRows(tablePlan('events', 1, [counter('m')]));
    const { send } = encoding([rows], 'cumulative');
    rows.set('a', [10]);
    await send(1000, () => true);
    rows.set('a', [15]);
    await send(1010, () => false);
    rows.remove('a');
    await send(1020, () => false);
    rows.set('a', [2], [1020, 0]);
    const [request] = await send(1030, () => true);
    assert.deepEqual(pointsOf(request!), [
      ['a', 100, 1010, 15],
      ['a', 1020, 1030, 2],
    ]);
    const [after] = await send(1040, () => true);
    assert.deepEqual(pointsOf(after!), [['a', 1020, 1040, 2]]);
  });

  test('a reset in an outage: the total before it is delivered too', async () => {
    const rows = new FakeRows(tablePlan('events', 1, [counter('m')]));
    const { send } = encoding([rows], 'cumulative');
    rows.set('a', [10]);
    await send(1000, () => true);
    rows.set('a', [15]);
    await send(1010, () => false);
    rows.set('a', [2]);
    const [request] = await send(1020, () => true);
    assert.deepEqual(pointsOf(request!), [
      ['a', 100, 1010, 15],
      ['a', 1010, 1020, 2],
    ]);
  });

  test('nothing is called unclear', async () => {
    const rows = new FakeRows(tablePlan('events', 1, [counter('m')]));
    rows.set('a', [10]);
    const [request] = await encoding([rows], 'cumulative').send(1000, () => false);
    assert.deepEqual(request!.counted, {});
  });
});

/** By series: start in seconds, time, value. */
function byKey(requests: readonly SentRequest[]) {
  return Object.fromEntries(requests.flatMap(pointsOf).map(([key, ...rest]) => [key, rest]));
}

/** Of the first metric. */
function pointsOf({ metrics }: SentRequest): [key: string, start: number, time: number, value: number][] {
  return metrics[0]!.points.map(({ attributes, start, time, value }) => {
    return [String(attributes.key), Number(start / 1_000_000_000n), Number(time / 1_000_000_000n), Number(value)];
  });
}

function setUp(temporality: 'delta' | 'cumulative', rows = new FakeRows(tablePlan('events', 1, [counter('m')]))) {
  const { send, dropped } = encoding([rows], temporality);
  const deliver = async (time: number) => byKey(await send(time, () => true));
  const fail = async (time: number) => byKey(await send(time, () => false));
  return { rows, dropped, deliver, fail };
}
