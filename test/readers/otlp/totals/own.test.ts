import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AggregationTemporality,
  AggregationType,
  InstrumentType,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import { Clock } from '../../../../src/metrics/clock.ts';
import { OwnTotals } from '../../../../src/readers/otlp/totals/own.ts';
import { temporalitySelector } from '../../../../src/readers/temporality.ts';
import { decodeExport, type ReceivedMetric } from '../../../helpers/otlp-server.ts';

const unlimited = Number.POSITIVE_INFINITY;

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

test('counters and histograms: what came since the last acknowledged export', async () => {
  const { counter, histogram, send } = setUp('delta');
  counter.add(5, { a: '1' });
  histogram.record(1);
  histogram.record(3);
  const first = await send(true);
  assert.equal(first.get('c')!.temporality, 'delta');
  assert.equal(first.get('c')!.points[0]!.value, 5);
  assert.deepEqual(first.get('h')!.points[0]!.counts, [1, 1, 0]);
  counter.add(2, { a: '1' });
  counter.add(1, { a: '2' });
  await send(false);
  histogram.record(9);
  counter.add(1, { a: '1' });
  const second = await send(true);
  assert.deepEqual(
    second.get('c')!.points.map(({ value }) => value),
    [3, 1],
  );
  const { counts, count, sum, start } = second.get('h')!.points[0]!;
  assert.deepEqual([counts, count, sum], [[0, 0, 1], 1, 9]);
  assert.equal(start, first.get('h')!.points[0]!.time);
  const third = await send(true);
  assert.deepEqual(
    third.get('c')!.points.map(({ value }) => value),
    [0, 0],
  );
});

test('an up-down counter stays cumulative, and gauges are what they are', async () => {
  const { upDown, gauge, send } = setUp('delta');
  upDown.add(5);
  gauge.record(7);
  await send(true);
  upDown.add(-2);
  const received = await send(true);
  assert.equal(received.get('u')!.temporality, 'cumulative');
  assert.equal(received.get('u')!.points[0]!.value, 3);
  assert.equal(received.get('g')!.points[0]!.value, 7);
});

test('a total that went down counts in full', async () => {
  const { provider, send } = setUp('delta');
  let total = 10;
  provider
    .getMeter('m')
    .createObservableCounter('o')
    .addCallback((result) => result.observe(total));
  await send(true);
  total = 4;
  assert.equal((await send(true)).get('o')!.points[0]!.value, 4);
});

test('cumulative: as they are', async () => {
  const { counter, send } = setUp('cumulative');
  counter.add(5);
  await send(true);
  counter.add(2);
  const received = await send(true);
  assert.equal(received.get('c')!.temporality, 'cumulative');
  assert.equal(received.get('c')!.points[0]!.value, 7);
});

for (const temporality of ['cumulative', 'delta'] as const) {
  test(`${temporality}: the first point of what is observed has counted since the process began`, async () => {
    const { provider, counter, send } = setUp(temporality);
    const observed = provider.getMeter('m').createObservableCounter('o');
    observed.addCallback((result) => result.observe(7));
    counter.add(1);
    const first = await send(true);
    const second = await send(true);
    for (const name of ['o', 'c']) {
      const [before, after] = [first, second].map((received) => received.get(name)!.points[0]!);
      assert.equal(before!.start, 1_000_000_000n);
      assert.equal(after!.start, temporality === 'delta' ? before!.time : 1_000_000_000n);
    }
  });
}

test('an exponential histogram whose scale falls: the earlier state is merged to fit', async () => {
  const { histogram, send } = setUp('delta', AggregationType.EXPONENTIAL_HISTOGRAM);
  const counted = new Map<number, number>();
  const add = (metric: ReceivedMetric, scale: number): void => {
    const [point] = metric.points;
    for (const [i, count] of point!.positive!.counts.entries()) {
      assert.ok(count >= 0);
      const index = (point!.positive!.offset + i) >> (point!.scale! - scale);
      if (count > 0) counted.set(index, (counted.get(index) ?? 0) + count);
    }
  };
  const received: ReceivedMetric[] = [];
  for (const values of [[1, 1.5, 2], [1000, 1e-6, 0], [1.5, 5], [1e9]]) {
    for (const value of values) histogram.record(value);
    received.push((await send(true)).get('h')!);
  }
  assert.deepEqual(
    received.map(({ points }) => [points[0]!.count, points[0]!.zeroCount]),
    [
      [3, 0],
      [3, 1],
      [2, 0],
      [1, 0],
    ],
  );
  const scale = received.at(-1)!.points[0]!.scale!;
  assert.ok(scale < received[0]!.points[0]!.scale!, 'the scale fell');
  for (const metric of received) add(metric, scale);
  const expected = new Map<number, number>();
  for (const value of [1, 1.5, 2, 1000, 1e-6, 1.5, 5, 1e9]) {
    const index = Math.ceil(Math.log2(value) * 2 ** scale) - 1;
    expected.set(index, (expected.get(index) ?? 0) + 1);
  }
  const inOrder = (map: Map<number, number>) => [...map].sort(([a], [b]) => a - b);
  assert.deepEqual(inOrder(counted), inOrder(expected));
});

test('parts have at most so many points, each point once', async () => {
  const { counter, histogram, reader, totals } = setUp('delta');
  for (let i = 0; i < 11; i++) counter.add(1, { a: String(i) });
  histogram.record(1);
  const { resourceMetrics } = await reader.collect();
  for (const limit of [1, 4, 5, 12, 100]) {
    const parts = totals.parts(resourceMetrics, limit);
    assert.ok(parts.every(({ points }) => points > 0 && points <= limit));
    const points = parts.flatMap(({ bytes }) =>
      decodeExport(bytes).scopes.flatMap(({ metrics }) => metrics.flatMap((metric) => metric.points)),
    );
    assert.equal(points.length, 12);
    const counted = parts.flatMap((part) => [...part.counted()]);
    assert.equal(
      counted.filter(({ metric }) => metric === 'c').reduce((sum, { amount }) => sum + amount, 0),
      11,
    );
  }
});

function setUp(temporality: 'delta' | 'cumulative', histograms = AggregationType.DEFAULT) {
  const reader = new Reader({
    aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE,
    aggregationSelector: (type) =>
      ({ type: type === InstrumentType.HISTOGRAM ? histograms : AggregationType.DEFAULT }) as {
        type: AggregationType.DEFAULT;
      },
  });
  const provider = new MeterProvider({ readers: [reader] });
  const meter = provider.getMeter('m');
  const totals = new OwnTotals(temporalitySelector(temporality), new Clock({ origin: [1, 0] }));
  const send = async (take: boolean): Promise<Map<string, ReceivedMetric>> => {
    const { resourceMetrics } = await reader.collect();
    const parts = totals.parts(resourceMetrics, unlimited);
    if (take) for (const part of parts) part.acknowledge();
    const metrics = parts.flatMap(({ bytes }) => decodeExport(bytes).scopes.flatMap((scope) => scope.metrics));
    return new Map(metrics.map((metric) => [metric.name, metric]));
  };
  return {
    provider,
    reader,
    totals,
    send,
    counter: meter.createCounter('c'),
    upDown: meter.createUpDownCounter('u'),
    gauge: meter.createGauge('g'),
    histogram: meter.createHistogram('h', { advice: { explicitBucketBoundaries: [2, 5] } }),
  };
}
