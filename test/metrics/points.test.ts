import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ValueType } from '@opentelemetry/api';
import type { HistogramMetricPlan, NumberType } from '../../src/config/plan.ts';
import { BpfMetricProducer } from '../../src/metrics/producer.ts';
import { temporalitySelector } from '../../src/readers/temporality.ts';
import { counter, FakeRows, FakeStore, gauge, ONE, tablePlan } from '../helpers/fake-rows.ts';

const NUMBERS: readonly { what: string; raw: number; scale: typeof ONE; value: number; type: ValueType }[] = [
  { what: 'as it is', raw: 7, scale: ONE, value: 7, type: ValueType.INT },
  { what: 'sectors to bytes', raw: 3, scale: { multiplier: 512, divisor: 1 }, value: 1536, type: ValueType.INT },
  { what: 'ns to s', raw: 1500, scale: { multiplier: 1, divisor: 1e9 }, value: 1.5e-6, type: ValueType.DOUBLE },
  { what: 'us to s, exactly', raw: 3, scale: { multiplier: 1, divisor: 1e6 }, value: 3e-6, type: ValueType.DOUBLE },
  { what: 'times a fraction', raw: 3, scale: { multiplier: 1.5, divisor: 1 }, value: 4.5, type: ValueType.DOUBLE },
  { what: '2^53', raw: 2 ** 53, scale: ONE, value: 9007199254740992, type: ValueType.INT },
  { what: 'the last integer of OTLP', raw: 2 ** 63 - 1024, scale: ONE, value: 2 ** 63 - 1024, type: ValueType.INT },
  { what: 'beyond the integers of OTLP', raw: 2 ** 63, scale: ONE, value: 2 ** 63, type: ValueType.DOUBLE },
  { what: 'the largest u64', raw: 2 ** 64, scale: ONE, value: 2 ** 64, type: ValueType.DOUBLE },
];

for (const { what, raw, scale, value, type } of NUMBERS) {
  test(`number: ${what}`, async () => {
    for (const metric of [counter('m', 1, scale), gauge('m', 1, scale)]) {
      const rows = new FakeRows(tablePlan('t', 3, [metric]));
      rows.set('a', [99, raw, 99]);
      const data = await collectFirst(rows);
      assert.equal(data.dataPoints[0]!.value, value);
      assert.equal(data.descriptor.valueType, type);
    }
  });
}

test('number: negative gauges are integers down to -2^63', async () => {
  const rows = new FakeRows(tablePlan('t', 1, [gauge('m')]));
  rows.set('a', [-(2 ** 63)]);
  const data = await collectFirst(rows);
  assert.equal(data.dataPoints[0]!.value, -(2 ** 63));
  assert.equal(data.descriptor.valueType, ValueType.INT);
});

const HISTOGRAM: HistogramMetricPlan = {
  kind: 'histogram',
  name: 'ebpf.latency',
  help: 'Time',
  unit: 's',
  cell: 1,
  bounds: [1e-6, 2e-6, 4e-6],
  le: ['1e-06', '2e-06', '4e-06'],
  slots: 4,
  sum: { cell: 0, scale: { multiplier: 1, divisor: 1e6 } },
  powersOfTwo: true,
};

const HISTOGRAMS: readonly { what: string; plan: Partial<HistogramMetricPlan>; value: unknown }[] = [
  {
    what: 'with a slot for what overflowed',
    plan: {},
    value: { buckets: { boundaries: [1e-6, 2e-6, 4e-6], counts: [5, 0, 7, 2] }, count: 14, sum: 0.000123 },
  },
  {
    what: 'without one',
    plan: { slots: 3 },
    value: { buckets: { boundaries: [1e-6, 2e-6, 4e-6], counts: [5, 0, 7, 0] }, count: 12, sum: 0.000123 },
  },
  {
    what: 'without a sum',
    plan: { sum: undefined },
    value: { buckets: { boundaries: [1e-6, 2e-6, 4e-6], counts: [5, 0, 7, 2] }, count: 14 },
  },
  {
    what: 'sum in sectors, behind the slots',
    plan: { sum: { cell: 5, scale: { multiplier: 512, divisor: 1 } } },
    value: { buckets: { boundaries: [1e-6, 2e-6, 4e-6], counts: [5, 0, 7, 2] }, count: 14, sum: 5120 },
  },
  {
    what: 'one bucket only',
    plan: { bounds: [], slots: 1 },
    value: { buckets: { boundaries: [], counts: [5] }, count: 5, sum: 0.000123 },
  },
];

for (const { what, plan, value } of HISTOGRAMS) {
  test(`histogram: ${what}`, async () => {
    const rows = new FakeRows(tablePlan('t', 6, [{ ...HISTOGRAM, ...plan }]));
    rows.set('other', [0, 0, 0, 0, 0, 0]);
    rows.set('a', [123, 5, 0, 7, 2, 10]);
    const data = await collectFirst(rows);
    assert.deepEqual(data.dataPoints[1]!.value, value);
    assert.deepEqual(data.dataPoints[1]!.attributes, { key: 'a' });
    assert.equal(data.descriptor.unit, 's');
  });
}

test('histogram: points, buckets and bounds are kept', async () => {
  const rows = new FakeRows(tablePlan('t', 5, [HISTOGRAM]));
  const store = new FakeStore(rows);
  const producer = new BpfMetricProducer(store, temporalitySelector('cumulative'), '1');
  rows.set('a', [1, 1, 0, 0, 0]);
  rows.set('b', [1, 1, 0, 0, 0]);
  const first = (await producer.collect()).resourceMetrics.scopeMetrics[0]!.metrics[0]!;
  const [point, other] = [...first.dataPoints];
  const { counts, boundaries } = (point!.value as { buckets: { counts: number[]; boundaries: number[] } }).buckets;
  rows.set('a', [5, 1, 2, 0, 0]);
  const second = (await producer.collect()).resourceMetrics.scopeMetrics[0]!.metrics[0]!;
  assert.equal(second.dataPoints[0], point);
  assert.deepEqual(counts, [1, 2, 0, 0]);
  assert.equal((other!.value as { buckets: { boundaries: number[] } }).buckets.boundaries, boundaries);
});

test('histogram: delta of slots and sum, a vanished one carried over', async () => {
  const rows = new FakeRows(tablePlan('t', 5, [HISTOGRAM]));
  const store = new FakeStore(rows);
  const producer = new BpfMetricProducer(store, temporalitySelector('delta'), '1');
  const collect = async () => (await producer.collect()).resourceMetrics.scopeMetrics[0]!.metrics[0]!.dataPoints;
  rows.set('a', [100, 10, 20, 30, 40]);
  rows.set('b', [0, 0, 0, 0, 0]);
  await collect();
  producer.commit();
  rows.set('a', [105, 11, 20, 30, 42]);
  const expected = { buckets: { boundaries: HISTOGRAM.bounds, counts: [1, 0, 0, 2] }, count: 3, sum: 5e-6 };
  assert.deepEqual((await collect())[0]!.value, expected);
  rows.remove('a');
  const points = await collect();
  assert.deepEqual(points[1]!.value, expected);
  assert.deepEqual(points[1]!.attributes, { key: 'a' });
});

for (const { type, sum } of [
  { type: 'i64', sum: -4e-6 },
  { type: 'u64', sum: 6e-6 },
] satisfies { type: NumberType; sum: number }[]) {
  test(`histogram: a ${type} sum that goes down is ${sum < 0 ? 'no reset' : 'a reset'}`, async () => {
    const rows = new FakeRows(tablePlan('t', 5, [HISTOGRAM], type));
    const store = new FakeStore(rows);
    const producer = new BpfMetricProducer(store, temporalitySelector('delta'), '1');
    rows.set('a', [10, 1, 0, 0, 0]);
    await producer.collect();
    producer.commit();
    rows.set('a', [6, 2, 0, 0, 0]);
    const [point] = (await producer.collect()).resourceMetrics.scopeMetrics[0]!.metrics[0]!.dataPoints;
    assert.equal((point!.value as { sum: number }).sum, sum);
  });
}

async function collectFirst(rows: FakeRows) {
  const producer = new BpfMetricProducer(new FakeStore(rows), temporalitySelector('cumulative'), '1');
  return (await producer.collect()).resourceMetrics.scopeMetrics[0]!.metrics[0]!;
}
