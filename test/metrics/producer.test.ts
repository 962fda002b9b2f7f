import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import { MeterError } from '../../src/errors.ts';
import { BpfMetricProducer } from '../../src/metrics/producer.ts';
import { MapFedScope } from '../../src/metrics/scope.ts';
import { temporalitySelector } from '../../src/readers/temporality.ts';
import { counter, FakeRows, FakeStore, gauge, tablePlan } from '../helpers/fake-rows.ts';

test('metrics of all tables come in one scope', async () => {
  const events = new FakeRows(tablePlan('events', 1, [counter('ebpf.events')]));
  const load = new FakeRows(tablePlan('load', 2, [gauge('ebpf.load', 1)]));
  events.set('a', [5]);
  load.set('b', [1, 7]);
  const producer = createProducer(new FakeStore(events, load));
  const { resourceMetrics, errors } = await producer.collect();

  assert.deepEqual(errors, []);
  assert.equal(resourceMetrics.scopeMetrics.length, 1);
  assert.deepEqual(resourceMetrics.scopeMetrics[0]!.scope, new MapFedScope('1.2.3'));
  const common = { unit: '', valueType: ValueType.INT };
  assert.deepEqual(resourceMetrics.scopeMetrics[0]!.metrics, [
    {
      descriptor: { ...common, name: 'ebpf.events', type: 'OBSERVABLE_COUNTER', description: 'Help of ebpf.events' },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.SUM,
      isMonotonic: true,
      dataPoints: [{ startTime: [100, 0], endTime: [1000, 0], attributes: { key: 'a' }, value: 5 }],
    },
    {
      descriptor: { ...common, name: 'ebpf.load', type: 'OBSERVABLE_GAUGE', description: 'Help of ebpf.load' },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.GAUGE,
      dataPoints: [{ startTime: [100, 0], endTime: [1000, 0], attributes: { key: 'b' }, value: 7 }],
    },
  ]);
});

test('what has no series is left out', async () => {
  const empty = new FakeRows(tablePlan('events', 1, [counter('ebpf.events')]));
  const { resourceMetrics } = await createProducer(new FakeStore(empty)).collect();
  assert.deepEqual(resourceMetrics.scopeMetrics, []);
});

test('cumulative: the start time is the series’, and stays', async () => {
  const { rows, store, collect } = setUp();
  rows.set('a', [1], [100, 5]);
  await collect(1000);
  rows.set('a', [3]);
  rows.set('b', [1], [1000, 0]);
  assert.deepEqual(await collect(1010), { a: [100, 1010, 3], b: [1000, 1010, 1] });
  assert.equal(store.sequence, 2);
});

test('cumulative: a value that went down starts anew at the previous collection', async () => {
  const { rows, collect } = setUp();
  rows.set('a', [50]);
  rows.set('b', [50]);
  await collect(1000);
  await collect(1010);
  rows.set('a', [20]);
  rows.set('b', [60]);
  assert.deepEqual(await collect(1020), { a: [1010, 1020, 20], b: [100, 1020, 60] });
  rows.set('a', [30]);
  assert.deepEqual(await collect(1030), { a: [1010, 1030, 30], b: [100, 1030, 60] });
});

test('cumulative: a key that vanished and came back starts when the store says', async () => {
  const { rows, collect } = setUp();
  rows.set('a', [50]);
  rows.set('b', [1]);
  await collect(1000);
  rows.remove('a');
  assert.deepEqual(await collect(1010), { b: [100, 1010, 1] });
  rows.set('a', [70], [1010, 0]);
  assert.deepEqual(await collect(1020), { a: [1010, 1020, 70], b: [100, 1020, 1] });
});

test('cumulative: a row given to another series keeps nothing of the old one', async () => {
  const { rows, collect } = setUp();
  rows.set('a', [50]);
  await collect(1000);
  rows.remove('a');
  rows.set('new', [3], [1005, 0]);
  assert.deepEqual(await collect(1010), { new: [1005, 1010, 3] });
});

test('a reset of a gauge is none', async () => {
  const rows = new FakeRows(tablePlan('load', 1, [gauge('m')]));
  const { collect } = setUp(rows);
  rows.set('a', [50]);
  await collect(1000);
  rows.set('a', [-20]);
  assert.deepEqual(await collect(1010), { a: [100, 1010, -20] });
});

test('points are the same objects as long as their series', async () => {
  const { rows, store, producer } = setUp();
  rows.set('a', [1]);
  rows.set('b', [2]);
  const before = points(await producer.collect());
  store.time = 1010;
  rows.set('a', [5]);
  const after = points(await producer.collect());
  assert.equal(after, before, 'not even the array is made anew');
  assert.equal(after[0]!.attributes, rows.attributes(0));
  assert.deepEqual(after[0]!.endTime, [1010, 0]);
  assert.equal(after[0]!.endTime, after[1]!.endTime, 'times are shared');

  const [, b] = after;
  rows.remove('a');
  rows.set('c', [3]);
  const rearranged = points(await producer.collect());
  assert.equal(rearranged[1], b, 'a row that stays keeps its point when others come and go');
  assert.deepEqual(rearranged[0]!.attributes, { key: 'c' });
});

test('two readers do not disturb one another', async () => {
  const { rows, store } = setUp();
  const cumulative = createProducer(store);
  const delta = createProducer(store, 'delta');
  rows.set('a', [10]);
  store.time = 1000;
  await cumulative.collect();
  await delta.collect();
  delta.commit();
  rows.set('a', [15]);
  store.time = 1010;
  assert.deepEqual(byKey(await delta.collect()), { a: [1000, 1010, 5] });
  assert.deepEqual(byKey(await cumulative.collect()), { a: [100, 1010, 15] });
  rows.set('a', [2]);
  store.time = 1020;
  await delta.collect();
  assert.deepEqual(byKey(await cumulative.collect()), { a: [1010, 1020, 2] }, 'each sees the reset by itself');
});

test('an unreadable table is left out and reported, the others stay', async () => {
  const broken = new FakeRows(tablePlan('broken', 1, [counter('broken')]));
  const { rows, store, producer } = setUp(new FakeRows(tablePlan('events', 1, [counter('m')])), broken);
  rows.set('a', [1]);
  broken.set('a', [1]);
  broken.readable = false;
  store.errors = [new MeterError('map', 'fake: broken: EPERM')];
  const { resourceMetrics, errors } = await producer.collect();
  assert.deepEqual(names(resourceMetrics.scopeMetrics[0]!.metrics), ['m']);
  assert.deepEqual(errors, store.errors);

  store.errors = [];
  const [error] = (await producer.collect()).errors;
  assert.ok(error instanceof MeterError);
  assert.equal(error.code, 'map');
  assert.match(error.message, /^fake: broken: /);

  broken.readable = true;
  const again = await producer.collect();
  assert.deepEqual(names(again.resourceMetrics.scopeMetrics[0]!.metrics), ['m', 'broken']);
  assert.deepEqual(again.errors, []);
});

test('a store that fails as a whole does not reject the collection', async () => {
  const { store, producer } = setUp();
  store.failure = new Error('out of memory');
  const { resourceMetrics, errors } = await producer.collect();
  assert.deepEqual(resourceMetrics.scopeMetrics, []);
  assert.deepEqual(errors, [store.failure]);
});

test('what is prepared is what the next collect returns, read once', async () => {
  const { rows, store, producer } = setUp();
  rows.set('a', [1]);
  await producer.prepare();
  rows.set('a', [2]);
  assert.deepEqual(byKey(await producer.collect()), { a: [100, 1000, 1] });
  assert.equal(store.sequence, 1);
  assert.deepEqual(byKey(await producer.collect()), { a: [100, 1000, 2] });
  assert.equal(store.sequence, 2);
});

test('low_memory: counters stay cumulative, histograms become delta', async () => {
  const rows = new FakeRows(
    tablePlan('both', 3, [
      counter('c', 0),
      {
        kind: 'histogram',
        name: 'h',
        help: '',
        unit: '',
        cell: 1,
        bounds: [1],
        le: ['1'],
        slots: 2,
        sum: undefined,
        powersOfTwo: false,
      },
    ]),
  );
  const store = new FakeStore(rows);
  const producer = createProducer(store, 'low_memory');
  rows.set('a', [10, 1, 2]);
  await producer.collect();
  producer.commit();
  rows.set('a', [15, 1, 5]);
  store.time = 1010;
  const [c, h] = (await producer.collect()).resourceMetrics.scopeMetrics[0]!.metrics;
  assert.equal(c!.aggregationTemporality, AggregationTemporality.CUMULATIVE);
  assert.deepEqual(c!.dataPoints[0]!.value, 15);
  assert.deepEqual(c!.dataPoints[0]!.startTime, [100, 0]);
  assert.equal(h!.aggregationTemporality, AggregationTemporality.DELTA);
  assert.deepEqual(h!.dataPoints[0]!.value, { buckets: { boundaries: [1], counts: [0, 3] }, count: 3 });
  assert.deepEqual(h!.dataPoints[0]!.startTime, [1000, 0]);
});

function createProducer(store: FakeStore, preference: 'cumulative' | 'delta' | 'low_memory' = 'cumulative') {
  return new BpfMetricProducer(store, temporalitySelector(preference), '1.2.3');
}

function setUp(rows = new FakeRows(tablePlan('events', 1, [counter('m')])), ...others: FakeRows[]) {
  const store = new FakeStore(rows, ...others);
  const producer = createProducer(store);
  const collect = async (time: number) => {
    store.time = time;
    return byKey(await producer.collect());
  };
  return { rows, store, producer, collect };
}

function points(result: CollectionResult) {
  return result.resourceMetrics.scopeMetrics[0]?.metrics[0]?.dataPoints ?? [];
}

/** Of the first metric: by series its start in seconds, its time, its value. */
function byKey(result: CollectionResult) {
  return Object.fromEntries(
    points(result).map(({ attributes, startTime, endTime, value }) => [
      String(attributes.key),
      [startTime[0], endTime[0], value],
    ]),
  );
}

function names(metrics: readonly MetricData[]): string[] {
  return metrics.map(({ descriptor }) => descriptor.name);
}
