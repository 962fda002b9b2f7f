import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyResource } from '@opentelemetry/resources';
import { Store } from '../../src/metrics/store.ts';
import { Tallies } from '../../src/metrics/tallies.ts';
import { RequestEncoder } from '../../src/readers/otlp/encoding/requests.ts';
import { ReaderTotals } from '../../src/readers/otlp/totals/reader.ts';
import { temporalitySelector } from '../../src/readers/temporality.ts';
import { counter, FakeMap, fakeReaders, histogram, NO_FACTS, programPlan, tablePlan } from '../helpers/fake-maps.ts';
import { decodeExport } from '../helpers/otlp-server.ts';

function setUp() {
  const plan = tablePlan('m', ['a'], 4, [counter('c', { cell: 3 }), histogram('h', 2, { sum: undefined })]);
  const map = new FakeMap('m', 4, 32);
  for (let i = 0; i < 3; i++) map.set([i], [1, 1, 1, 10]);
  const program = {
    plan: programPlan('p', [plan]),
    readers: fakeReaders([map], 1),
    startTime: [1, 0] as [number, number],
  };
  return { map, store: new Store([program], NO_FACTS, new Tallies(), undefined, [{ default: 1 }]) };
}

for (const temporality of ['cumulative', 'delta'] as const) {
  test(`OTLP, ${temporality}: what is beyond the limit has one attribute, true`, async () => {
    const { map, store } = setUp();
    const totals = new ReaderTotals(temporalitySelector(temporality), () => {});
    const encoder = new RequestEncoder('1', 'explicit_bucket_histogram', store.clock);
    const limits = { bytes: Number.POSITIVE_INFINITY, points: Number.POSITIVE_INFINITY };
    const exported = async () => {
      await totals.take(await store.read());
      const points: [unknown, unknown][] = [];
      for (const request of encoder.requests(emptyResource(), [], totals.readable, limits)) {
        for (const { metrics } of decodeExport(request.bytes).scopes) {
          for (const metric of metrics) {
            for (const point of metric.points) points.push([point.attributes, Number(point.value ?? point.count)]);
          }
        }
        request.acknowledge();
      }
      return points;
    };
    const overflow = { 'otel.metric.overflow': true };
    assert.deepEqual(await exported(), [
      [{ a: '0' }, 10],
      [{ a: '0' }, 3],
      [overflow, 20],
      [overflow, 6],
    ]);
    map.delete([2]);
    map.set([1], [1, 1, 2, 17]);
    const isDelta = temporality === 'delta';
    assert.deepEqual((await exported()).slice(2), [
      [overflow, isDelta ? 7 : 27],
      [overflow, isDelta ? 1 : 7],
    ]);
  });
}
