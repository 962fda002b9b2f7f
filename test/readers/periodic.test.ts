import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeriodicReaderConfig } from '../../src/config/exporter/configuration.ts';
import { OtlpReader } from '../../src/readers/otlp/reader.ts';
import type { Answer, Failed, Transport } from '../../src/readers/otlp/transports/transport.ts';
import { periodicKind } from '../../src/readers/periodic.ts';
import { shutdownReaders } from '../../src/readers/shutdown.ts';
import { counter, FakeRows, FakeStore, tablePlan } from '../helpers/fake-rows.ts';
import { decodeExport, type ReceivedExport } from '../helpers/otlp-server.ts';
import { fakeContext, fakeSources, provide } from '../helpers/reader-context.ts';
import { otlpConfig } from './otlp/set-up.ts';

test('health metrics describe the collection that they are part of', async () => {
  const { rows, store, reader, context, transport } = setUp();
  rows.set('a', [1]);
  rows.set('b', [1]);
  let reading: Awaited<ReturnType<typeof store.read>> | undefined;
  const read = store.read.bind(store);
  store.read = async () => {
    reading = await read();
    return reading;
  };
  provide([reader], context.health, fakeSources({ reading: () => reading }));
  await reader.forceFlush();
  assert.equal(transport.points('ebpf_meter.series')[0]?.value, 2);
  const [duration] = transport.points('ebpf_meter.read.duration');
  assert.equal(duration!.count, 1);
  assert.equal(duration!.sum, 0.002);
  const [collection] = transport.points('ebpf_meter.collection.duration');
  assert.equal(collection!.count, 1);
  assert.equal(store.sequence, 1, 'the maps are read once');
  await reader.forceFlush();
  const [exported] = transport.points('ebpf_meter.export.duration');
  assert.equal(exported!.count, 1, 'the first export is seen in the second');
});

test('a collection that fails is logged when that begins and when it is over, and costs only its metrics', async () => {
  const { rows, store, reader, context, transport, lines } = setUp();
  const provider = provide([reader], context.health);
  let fails = true;
  provider
    .getMeter('own')
    .createObservableGauge('own')
    .addCallback(() => {
      if (fails) throw new Error('no such number');
    });
  rows.set('a', [10]);
  store.failure = new RangeError('Array buffer allocation failed');
  await reader.forceFlush();
  await reader.forceFlush();
  assert.deepEqual(lines.toSorted(), [
    'warn: somewhere: collection: Array buffer allocation failed',
    'warn: somewhere: collection: no such number',
  ]);
  assert.deepEqual(transport.points('m'), []);

  lines.length = 0;
  store.failure = undefined;
  fails = false;
  await reader.forceFlush();
  assert.deepEqual(lines.toSorted(), [
    'info: somewhere: collection: no longer: Array buffer allocation failed',
    'info: somewhere: collection: no longer: no such number',
  ]);
  assert.equal(transport.points('m')[0]?.value, 10n);
});

test('all readers are shut down, whatever becomes of one', async () => {
  const good = setUp();
  const bad = setUp();
  provide([good.reader], good.context.health);
  provide([bad.reader], bad.context.health);
  good.rows.set('a', [1]);
  bad.rows.set('a', [1]);
  bad.transport.failure = new Error('gone');
  const failures = await shutdownReaders([bad.reader, good.reader], 1000);
  assert.deepEqual(
    failures.map((failure) => (failure as Error).message),
    ['somewhere: the last export failed: gone'],
  );
  assert.equal(good.transport.exports, 1);
});

/** Keeps what it is given. */
class FakeTransport implements Transport {
  exports = 0;
  /** Set: nothing is taken. */
  failure: Error | undefined;
  #last: ReceivedExport | undefined;

  /** Of the points of the last export. */
  points(name: string) {
    return this.#last?.metric(name)?.points ?? [];
  }

  async send(request: Uint8Array): Promise<Answer> {
    if (this.failure !== undefined) return refusal(this.failure);
    this.exports++;
    this.#last = decodeExport(request);
    return { accepted: true, rejected: undefined };
  }

  async probe(): Promise<Answer> {
    return { accepted: true, rejected: undefined };
  }

  close(): void {}
}

function refusal(error: Error): Failed {
  return {
    accepted: false,
    error,
    errorType: 'test',
    retryable: false,
    answered: true,
    unclear: false,
    tooLarge: false,
    retryAfterMs: undefined,
  };
}

function setUp() {
  const rows = new FakeRows(tablePlan('events', 1, [counter('m')]));
  const store = new FakeStore(rows);
  const { context, lines } = fakeContext(store);
  const transport = new FakeTransport();
  const config: PeriodicReaderConfig = {
    kind: 'periodic',
    intervalMs: 3_600_000,
    timeoutMs: 5000,
    exporter: { kind: 'console', temporality: 'delta' },
  };
  const reader = new OtlpReader({ config, describe: 'somewhere', context, transport });
  return { rows, store, reader, context, transport, lines };
}

test('what a URL has behind its ? is not shown', async () => {
  const exporter = otlpConfig('otlp_http', 'http://collector:4318/v1/metrics?key=s3cr3t').exporter;
  const config = { kind: 'periodic', intervalMs: 60_000, timeoutMs: 30_000, exporter } as const;
  const { context } = fakeContext(new FakeStore(new FakeRows(tablePlan('t', 1, [counter('m', 0)]))));
  const { reader, describe } = await periodicKind.create(config, context);
  assert.equal(describe, 'OTLP to http://collector:4318/v1/metrics?… every 60 s');
  await reader.shutdown();
});
