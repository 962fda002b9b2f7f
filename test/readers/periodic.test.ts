import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { PushMetricExporter, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { PeriodicReaderConfig } from '../../src/config/exporter.ts';
import { createPeriodicReader, periodicKind } from '../../src/readers/periodic.ts';
import { shutdownReaders } from '../../src/readers/shutdown.ts';
import { counter, FakeRows, FakeStore, tablePlan } from '../helpers/fake-rows.ts';
import { fakeContext, fakeSources, provide } from '../helpers/reader-context.ts';

test('health metrics describe the collection that they are part of', async () => {
  const { rows, store, reader, context, exporter } = setUp();
  rows.set('a', [1]);
  rows.set('b', [1]);
  let reading: Awaited<ReturnType<typeof store.read>> | undefined;
  const read = store.read.bind(store);
  store.read = async () => {
    reading = await read();
    return reading;
  };
  provide([reader], context.health, fakeSources({ reading: () => reading }));
  exporter.succeed();
  await reader.forceFlush();
  assert.equal(exporter.values('ebpf_meter.series')[0], 2);
  const [duration] = exporter.values('ebpf_meter.read.duration') as { count: number; sum: number }[];
  assert.equal(duration!.count, 1);
  assert.equal(duration!.sum, 0.002);
  const [collection] = exporter.values('ebpf_meter.collection.duration') as { count: number }[];
  assert.equal(collection!.count, 1);
  assert.equal(store.sequence, 1, 'the maps are read once');
  await reader.forceFlush();
  const [exported] = exporter.values('ebpf_meter.export.duration') as { count: number }[];
  assert.equal(exported!.count, 1, 'the first export is seen in the second');
});

test('a collection waits for an export that its reader has given up', async () => {
  const { rows, store, reader, context, exporter } = setUp({ timeoutMs: 20 });
  provide([reader], context.health);
  rows.set('a', [10]);
  await reader.forceFlush();
  assert.equal(exporter.exports, 1, 'the first export is not answered yet');
  rows.set('a', [15]);
  const second = reader.forceFlush();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(store.sequence, 1);

  exporter.succeed();
  exporter.finish();
  await second;
  assert.deepEqual(exporter.values('m'), [5], 'the late success of the first counts');
  assert.equal(exporter.exports, 2);
});

test('a late failure is carried over', async () => {
  const { rows, reader, context, exporter, tallies } = setUp({ timeoutMs: 20 });
  provide([reader], context.health);
  rows.set('a', [10]);
  await reader.forceFlush();
  rows.set('a', [15]);
  const second = reader.forceFlush();
  exporter.finish(Object.assign(new Error('too late'), { code: 4 }));
  exporter.succeed();
  await second;
  assert.deepEqual(exporter.values('m'), [15]);
  assert.deepEqual([...tallies.exportErrors()], [{ exporter: 'console', errorType: 'DEADLINE_EXCEEDED', count: 1 }]);
});

test('an exporter that throws has failed', async () => {
  const { rows, reader, context, exporter, lines } = setUp();
  provide([reader], context.health);
  rows.set('a', [10]);
  exporter.throws = new TypeError('no');
  await reader.forceFlush();
  assert.deepEqual(lines, ['warn: somewhere: export failed: no']);
  await assert.rejects(reader.shutdown(), { message: 'somewhere: the last export failed: no' });
});

test('a collection that fails is logged when that begins and when it is over, and costs only its metrics', async () => {
  const { rows, store, reader, context, exporter, lines } = setUp();
  const provider = provide([reader], context.health);
  let fails = true;
  provider
    .getMeter('own')
    .createObservableGauge('own')
    .addCallback(() => {
      if (fails) throw new Error('no such number');
    });
  rows.set('a', [10]);
  exporter.succeed();
  store.failure = new RangeError('Array buffer allocation failed');
  await reader.forceFlush();
  await reader.forceFlush();
  assert.deepEqual(lines.toSorted(), [
    'warn: somewhere: collection: Array buffer allocation failed',
    'warn: somewhere: collection: no such number',
  ]);
  assert.deepEqual(exporter.values('m'), []);

  lines.length = 0;
  store.failure = undefined;
  fails = false;
  await reader.forceFlush();
  assert.deepEqual(lines.toSorted(), [
    'info: somewhere: collection: no longer: Array buffer allocation failed',
    'info: somewhere: collection: no longer: no such number',
  ]);
  assert.deepEqual(exporter.values('m'), [10]);
});

test('all readers are shut down, whatever becomes of one', async () => {
  const good = setUp();
  const bad = setUp();
  provide([good.reader], good.context.health);
  provide([bad.reader], bad.context.health);
  good.rows.set('a', [1]);
  bad.rows.set('a', [1]);
  good.exporter.succeed();
  bad.exporter.throws = new Error('gone');
  const failures = await shutdownReaders([bad.reader, good.reader], 1000);
  assert.deepEqual(
    failures.map((failure) => (failure as Error).message),
    ['somewhere: the last export failed: gone'],
  );
  assert.equal(good.exporter.exports, 1);
});

test('a timeout longer than the interval is cut for the console', async () => {
  const { context } = fakeContext(new FakeStore());
  for (const timeoutMs of [10, 5000, 2 ** 31 - 1]) {
    const config: PeriodicReaderConfig = {
      kind: 'periodic',
      intervalMs: 1000,
      timeoutMs,
      exporter: { kind: 'console', temporality: 'cumulative' },
    };
    const { describe } = await periodicKind.create(config, context);
    assert.equal(describe, 'console every 1 s');
  }
});

/** Keeps what it is given, and answers when it is told to. */
class FakeExporter implements PushMetricExporter {
  exports = 0;
  throws: Error | undefined;
  #pending: ((result: ExportResult) => void) | undefined;
  #succeeds = false;
  #last = new Map<string, unknown[]>();

  /** Answers at once from now on. */
  succeed(): void {
    this.#succeeds = true;
  }

  /** Answers the export that waits. */
  finish(error?: Error): void {
    this.#pending?.(
      error === undefined ? { code: ExportResultCode.SUCCESS } : { code: ExportResultCode.FAILED, error },
    );
  }

  /** Of the points of the last export. */
  values(name: string): unknown[] {
    return this.#last.get(name) ?? [];
  }

  export(metrics: ResourceMetrics, callback: (result: ExportResult) => void): void {
    this.exports++;
    if (this.throws !== undefined) throw this.throws;
    const all = metrics.scopeMetrics.flatMap((scope) => scope.metrics);
    this.#last = new Map(all.map((metric) => [metric.descriptor.name, metric.dataPoints.map(({ value }) => value)]));
    this.#pending = callback;
    if (this.#succeeds) callback({ code: ExportResultCode.SUCCESS });
  }

  async forceFlush(): Promise<void> {}
  async shutdown(): Promise<void> {}
}

function setUp({ timeoutMs = 5000 } = {}) {
  const rows = new FakeRows(tablePlan('events', 1, [counter('m')]));
  const store = new FakeStore(rows);
  const { context, lines, tallies } = fakeContext(store);
  const exporter = new FakeExporter();
  const config: PeriodicReaderConfig = {
    kind: 'periodic',
    intervalMs: 3_600_000,
    timeoutMs,
    exporter: { kind: 'console', temporality: 'delta' },
  };
  const reader = createPeriodicReader({ config, context, exporter, describe: 'somewhere', timeoutMs });
  return { rows, store, reader, context, exporter, lines, tallies };
}
