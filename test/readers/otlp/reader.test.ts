import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, it, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { OtlpGrpcConfig, PeriodicReaderConfig } from '../../../src/config/exporter.ts';
import type { HistogramMetricPlan } from '../../../src/config/plan.ts';
import { MeterError } from '../../../src/errors.ts';
import { grpcTarget } from '../../../src/readers/otlp/grpc.ts';
import { periodicKind } from '../../../src/readers/periodic.ts';
import { counter, FakeRows, FakeStore, gauge, ONE, tablePlan } from '../../helpers/fake-rows.ts';
import { decodeExport, type OtlpServer, startOtlpServer } from '../../helpers/otlp-server.ts';
import { fakeContext, provide } from '../../helpers/reader-context.ts';
import { createTestCertificates } from '../../helpers/test-certificates.ts';

const LATENCY: HistogramMetricPlan = {
  kind: 'histogram',
  name: 'ebpf.latency',
  help: 'Time from issue to completion',
  unit: 's',
  cell: 2,
  bounds: [0.001, 0.002],
  le: ['0.001', '0.002'],
  slots: 3,
  sum: { cell: 5, scale: { multiplier: 1, divisor: 1e3 } },
  powersOfTwo: true,
};

test('counters, gauges and histograms arrive as they are', async () => {
  await using server = await startOtlpServer();
  const { rows, reader } = await setUp(server);
  rows.set('sda', [2 ** 53, 512, 1, 2, 3, 4500], [1_700_000_000, 123_456_789]);
  await reader.forceFlush();
  const received = await server.waitFor(() => true);

  assert.deepEqual(received.resource, { 'service.name': 'test', 'host.name': 'here' });
  const attributes = { key: 'sda' };
  const times = { start: 1_700_000_000_123_456_789n, time: 1_800_000_000_000_000_000n };
  const scope = received.scopes.find(({ metrics }) => metrics.some(({ name }) => name === 'ebpf.reads'))!;
  assert.equal(scope.name, 'ebpf-meter');
  assert.equal(scope.version, '1.2.3');
  assert.deepEqual(scope.metrics, [
    {
      name: 'ebpf.reads',
      description: 'Help of ebpf.reads',
      unit: '',
      kind: 'sum',
      temporality: 'cumulative',
      monotonic: true,
      points: [{ attributes, ...times, value: 9007199254740992n }],
    },
    {
      name: 'ebpf.depth',
      description: 'Help of ebpf.depth',
      unit: '',
      kind: 'gauge',
      temporality: undefined,
      monotonic: undefined,
      points: [{ attributes, ...times, value: 0.512 }],
    },
    {
      name: 'ebpf.latency',
      description: 'Time from issue to completion',
      unit: 's',
      kind: 'histogram',
      temporality: 'cumulative',
      monotonic: undefined,
      points: [{ attributes, ...times, count: 6, sum: 4.5, counts: [1, 2, 3], bounds: [0.001, 0.002] }],
    },
  ]);
  await reader.shutdown();
});

test('delta: each export has what came since the last', async () => {
  await using server = await startOtlpServer();
  const { rows, store, reader } = await setUp(server, { temporality: 'delta' });
  rows.set('sda', [10, 0, 1, 0, 0, 1000]);
  await reader.forceFlush();
  rows.set('sda', [25, 0, 1, 2, 0, 4000]);
  store.time += 10;
  await reader.forceFlush();
  const [first, second] = server.accepted;
  assert.deepEqual(values(first!.metric('ebpf.reads')), [10n]);
  assert.equal(second!.metric('ebpf.reads')!.temporality, 'delta');
  assert.deepEqual(values(second!.metric('ebpf.reads')), [15n]);
  const [latency] = second!.metric('ebpf.latency')!.points;
  assert.deepEqual(latency!.counts, [0, 2, 0]);
  assert.equal(latency!.sum, 3);
  assert.equal(latency!.start, 1_800_000_000_000_000_000n);
  await reader.shutdown();
});

test('low_memory: counters cumulative, histograms delta', async () => {
  await using server = await startOtlpServer();
  const { rows, reader } = await setUp(server, { temporality: 'low_memory' });
  rows.set('sda', [10, 0, 1, 0, 0, 1000]);
  await reader.forceFlush();
  const [received] = server.accepted;
  assert.equal(received!.metric('ebpf.reads')!.temporality, 'cumulative');
  assert.equal(received!.metric('ebpf.latency')!.temporality, 'delta');
  await reader.shutdown();
});

for (const behaviour of ['unavailable', 'exhausted'] as const) {
  const errorType = { unavailable: 'UNAVAILABLE', exhausted: 'RESOURCE_EXHAUSTED' }[behaviour];
  test(`an outage (${errorType}) is counted, logged once, and over with the totals right`, async () => {
    await using server = await startOtlpServer();
    const { rows, reader, lines, tallies } = await setUp(server, { temporality: 'delta' });
    rows.set('sda', [10, 0, 1, 0, 0, 0]);
    await reader.forceFlush();
    server.behaviour = behaviour;
    rows.set('sda', [13, 0, 2, 0, 0, 0]);
    await reader.forceFlush();
    rows.set('sda', [18, 0, 2, 5, 0, 0]);
    await reader.forceFlush();
    assert.deepEqual([...tallies.exportErrors()], [{ exporter: 'otlp_grpc', errorType, count: 2 }]);
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, new RegExp(`^warn: OTLP to ${server.url}: export failed: \\d+ ${errorType}: .*; `));

    server.behaviour = 'accept';
    rows.set('sda', [20, 0, 2, 5, 0, 0]);
    await reader.forceFlush();
    assert.deepEqual(lines.slice(1), [`info: OTLP to ${server.url}: delivering again after 2 failed exports`]);
    assert.equal(server.accepted.length, 2);
    const totals = server.accepted.flatMap((received) => values(received.metric('ebpf.reads')));
    assert.deepEqual(totals, [10n, 10n]);
    assert.deepEqual(server.accepted[1]!.metric('ebpf.latency')!.points[0]!.counts, [1, 5, 0]);
    await reader.shutdown();
  });
}

test('points that the receiver rejects are counted by export, and logged when that begins and ends', async () => {
  await using server = await startOtlpServer();
  const { rows, reader, lines, tallies } = await setUp(server);
  rows.set('sda', [10, 0, 1, 0, 0, 0]);
  server.behaviour = 'partial';
  await reader.forceFlush();
  await reader.forceFlush();
  server.behaviour = 'accept';
  await reader.forceFlush();
  assert.deepEqual(lines, [
    `warn: OTLP to ${server.url}: 3 points rejected: too old`,
    `info: OTLP to ${server.url}: nothing is rejected any more`,
  ]);
  assert.deepEqual([...tallies.exportErrors()], [{ exporter: 'otlp_grpc', errorType: 'partial_success', count: 2 }]);
  await reader.shutdown();
});

test('exports happen by themselves, every so often', async () => {
  await using server = await startOtlpServer();
  const { rows, store, reader } = await setUp(server, {}, 20);
  rows.set('sda', [10, 0, 0, 0, 0, 0]);
  await server.waitForRequests(3);
  assert.ok(store.sequence >= 3);
  await reader.shutdown();
});

test('cumulative totals are right after an outage', async () => {
  await using server = await startOtlpServer();
  const { rows, reader } = await setUp(server);
  server.behaviour = 'unavailable';
  rows.set('sda', [10, 0, 0, 0, 0, 0]);
  await reader.forceFlush();
  server.behaviour = 'accept';
  rows.set('sda', [30, 0, 0, 0, 0, 0]);
  await reader.forceFlush();
  assert.deepEqual(values(server.accepted[0]!.metric('ebpf.reads')), [30n]);
  const [failures] = server.accepted[0]!.metric('ebpf_meter.export.failures')!.points;
  assert.deepEqual(failures!.attributes, { exporter: 'otlp_grpc', 'error.type': 'UNAVAILABLE' });
  assert.equal(failures!.value, 1);
  await reader.shutdown();
});

test('a Collector that comes later, where there was none, gets the totals', async () => {
  const port = await freePort();
  const { rows, reader, tallies } = await setUp({ url: `http://localhost:${port}` }, { temporality: 'delta' });
  rows.set('sda', [10, 0, 0, 0, 0, 0]);
  await reader.forceFlush();
  const [failure] = tallies.exportErrors();
  assert.deepEqual(failure, { exporter: 'otlp_grpc', errorType: 'UNAVAILABLE', count: 1 });

  await using server = await startOtlpServer({ port });
  rows.set('sda', [12, 0, 0, 0, 0, 0]);
  // gRPC reconnects with back-off, so several exports may fail before one gets through.
  while (server.accepted.length === 0) await reader.forceFlush();
  assert.deepEqual(values(server.accepted[0]!.metric('ebpf.reads')), [12n]);
  await reader.shutdown();
});

test('a Collector that hangs costs an export its deadline, and nothing is lost', async () => {
  await using server = await startOtlpServer();
  const { rows, reader, tallies } = await setUp(server, { temporality: 'delta', timeoutMs: 200 });
  rows.set('sda', [10, 0, 0, 0, 0, 0]);
  server.behaviour = 'hang';
  await reader.forceFlush();
  server.behaviour = 'accept';
  rows.set('sda', [11, 0, 0, 0, 0, 0]);
  await reader.forceFlush();
  assert.deepEqual([...tallies.exportErrors()], [{ exporter: 'otlp_grpc', errorType: 'DEADLINE_EXCEEDED', count: 1 }]);
  assert.deepEqual(values(server.accepted[0]!.metric('ebpf.reads')), [11n]);
  await reader.shutdown();
});

test('shutdown exports what is there, and resolves', async () => {
  await using server = await startOtlpServer();
  const { rows, reader } = await setUp(server);
  rows.set('sda', [10, 0, 0, 0, 0, 0]);
  await reader.shutdown();
  assert.deepEqual(values(server.accepted[0]!.metric('ebpf.reads')), [10n]);
});

test('shutdown rejects where the last export failed', async () => {
  await using server = await startOtlpServer();
  const { rows, reader } = await setUp(server);
  server.behaviour = 'unavailable';
  rows.set('sda', [10, 0, 0, 0, 0, 0]);
  await assert.rejects(reader.shutdown(), (error) => {
    assert.ok(error instanceof MeterError);
    assert.equal(error.code, 'reader');
    assert.match(error.message, /^OTLP to http:\/\/localhost:\d+: the last export failed: 14 UNAVAILABLE/);
    return true;
  });
});

test('shutdown rejects at its deadline where the Collector hangs', async () => {
  await using server = await startOtlpServer();
  const { rows, reader } = await setUp(server, { timeoutMs: 1000 });
  server.behaviour = 'hang';
  rows.set('sda', [10, 0, 0, 0, 0, 0]);
  await assert.rejects(reader.shutdown({ timeoutMillis: 100 }), {
    code: 'reader',
    message: `OTLP to ${server.url}: the last export was not done after 0.1 s`,
  });
});

test('gzip', async () => {
  await using server = await startRawServer();
  const { rows, reader } = await setUp(server, { compression: 'gzip' });
  rows.set('sda', [10, 0, 0, 0, 0, 0]);
  await reader.forceFlush();
  const { headers, body } = await server.request;
  assert.equal(headers['grpc-encoding'], 'gzip');
  // Each gRPC message is a flag for compression, its length in four bytes, and the message.
  assert.equal(body[0], 1);
  assert.deepEqual(values(decodeExport(gunzipSync(body.subarray(5))).metric('ebpf.reads')), [10n]);
  await reader.shutdown();
});

test('headers', async () => {
  await using server = await startOtlpServer();
  const { rows, reader } = await setUp(server, { headers: { authorization: 'Bearer abc', 'x-tenant': 'blue' } });
  rows.set('sda', [10, 0, 0, 0, 0, 0]);
  await reader.forceFlush();
  const [received] = server.accepted;
  assert.equal(received!.headers.authorization, 'Bearer abc');
  assert.equal(received!.headers['x-tenant'], 'blue');
  assert.deepEqual(values(received!.metric('ebpf.reads')), [10n]);
  await reader.shutdown();
});

test('the environment adds nothing to the configuration', async (t) => {
  process.env.OTEL_EXPORTER_OTLP_HEADERS = 'x-env=1';
  process.env.OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE = 'delta';
  t.after(() => {
    delete process.env.OTEL_EXPORTER_OTLP_HEADERS;
    delete process.env.OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE;
  });
  await using server = await startOtlpServer();
  const { rows, reader } = await setUp(server);
  rows.set('sda', [10, 0, 0, 0, 0, 0]);
  await reader.forceFlush();
  assert.equal(server.accepted[0]!.headers['x-env'], undefined);
  assert.equal(server.accepted[0]!.metric('ebpf.reads')!.temporality, 'cumulative');
  assert.equal(process.env.OTEL_EXPORTER_OTLP_HEADERS, 'x-env=1');
  await reader.shutdown();
});

test('TLS with a CA of one’s own, and a client certificate', async () => {
  using certificates = createTestCertificates();
  const { ca, server: pair, files } = certificates;
  await using server = await startOtlpServer({ tls: { ...pair, ca } });
  const tls = { insecure: undefined, caFile: files.ca, keyFile: files.clientKey, certFile: files.clientCert };
  const { rows, reader } = await setUp(server, { tls });
  rows.set('sda', [10, 0, 0, 0, 0, 0]);
  await reader.forceFlush();
  assert.equal(server.accepted.length, 1);
  await reader.shutdown();

  const { requests } = server;
  const stranger = await setUp(server, { tls: { ...tls, keyFile: undefined, certFile: undefined } });
  stranger.rows.set('sda', [10, 0, 0, 0, 0, 0]);
  await stranger.reader.forceFlush();
  assert.equal(server.requests, requests, 'without a client certificate nothing gets through');
  assert.equal([...stranger.tallies.exportErrors()][0]!.errorType, 'UNAVAILABLE');
  await assert.rejects(stranger.reader.shutdown());
});

test('a header that can’t be sent is named, its value is not', async () => {
  const config = otlpConfig('http://localhost:1', { headers: { 'x-token': 'se\ncret' } });
  const { context } = fakeContext(new FakeStore());
  await assert.rejects(periodicKind.create(config, context), (error) => {
    assert.ok(error instanceof MeterError);
    assert.match(error.message, /header "x-token"/);
    assert.doesNotMatch(error.message, /cret/);
    return true;
  });
});

function otlpConfig(
  endpoint: string,
  overrides: Partial<OtlpGrpcConfig> = {},
  intervalMs = 3_600_000,
): PeriodicReaderConfig {
  const exporter: OtlpGrpcConfig = {
    kind: 'otlp_grpc',
    endpoint,
    headers: {},
    compression: 'none',
    timeoutMs: 5000,
    temporality: 'cumulative',
    histogramAggregation: 'explicit_bucket_histogram',
    tls: { insecure: undefined, caFile: undefined, keyFile: undefined, certFile: undefined },
    ...overrides,
  };
  return { kind: 'periodic', intervalMs, timeoutMs: 10_000, exporter };
}

/** A reader over one table with a counter, a gauge and a histogram; it exports once an hour, or when it is told to. */
async function setUp(server: Pick<OtlpServer, 'url'>, overrides: Partial<OtlpGrpcConfig> = {}, intervalMs?: number) {
  const metrics = [counter('ebpf.reads', 0), gauge('ebpf.depth', 1, { ...ONE, divisor: 1000 }), LATENCY];
  const rows = new FakeRows(tablePlan('block', 6, metrics));
  const store = new FakeStore(rows);
  store.time = 1_800_000_000;
  const { context, lines, tallies } = fakeContext(store);
  const { reader } = await periodicKind.create(otlpConfig(server.url, overrides, intervalMs), context);
  provide([reader], context.health);
  return { rows, store, reader, lines, tallies };
}

function values(metric: { points: readonly { value?: number | bigint }[] } | undefined) {
  return metric?.points.map(({ value }) => value) ?? [];
}

/** Answers every gRPC call with OK and keeps the first as it came: the gRPC server tells nothing of compression. */
async function startRawServer(): Promise<RawServer> {
  const { promise: request, resolve } = Promise.withResolvers<{ headers: IncomingHttpHeaders; body: Buffer }>();
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', async (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const chunks = await stream.toArray();
    resolve({ headers, body: Buffer.concat(chunks) });
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.alloc(5));
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    request,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

interface RawServer extends AsyncDisposable {
  readonly url: string;
  readonly request: Promise<{ headers: IncomingHttpHeaders; body: Buffer }>;
}

async function freePort(): Promise<number> {
  await using server = await startOtlpServer();
  return server.port;
}

describe('grpcTarget', () => {
  const cases: [string, string][] = [
    ['http://collector:4317', 'collector:4317'],
    ['http://collector', 'collector:80'],
    ['http://collector:80', 'collector:80'],
    ['https://collector', 'collector:443'],
    ['https://collector:443/', 'collector:443'],
    ['https://collector:80', 'collector:80'],
    ['http://[::1]:4317', '[::1]:4317'],
  ];
  for (const [endpoint, expected] of cases) {
    it(`${endpoint} → ${expected}`, () => assert.equal(grpcTarget(endpoint), expected));
  }
});
