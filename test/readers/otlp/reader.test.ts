import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MeterError } from '../../../src/errors.ts';
import { periodicKind } from '../../../src/readers/periodic.ts';
import { FakeStore } from '../../helpers/fake-rows.ts';
import { fakeContext } from '../../helpers/reader-context.ts';
import { createTestCertificates } from '../../helpers/test-certificates.ts';
import { otlpConfig, protocols, setUp, totals, values } from './set-up.ts';

for (const { kind, start } of protocols) {
  describe(kind, () => {
    test('counters, gauges and histograms arrive as they are', async () => {
      await using server = await start();
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
      await using server = await start();
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
      await using server = await start();
      const { rows, reader } = await setUp(server, { temporality: 'low_memory' });
      rows.set('sda', [10, 0, 1, 0, 0, 1000]);
      await reader.forceFlush();
      const [received] = server.accepted;
      assert.equal(received!.metric('ebpf.reads')!.temporality, 'cumulative');
      assert.equal(received!.metric('ebpf.latency')!.temporality, 'delta');
      await reader.shutdown();
    });

    test('points that the receiver rejects are counted by export, and logged when that begins and ends', async () => {
      await using server = await start();
      const { rows, reader, lines, tallies } = await setUp(server, { temporality: 'delta' });
      rows.set('sda', [10, 0, 1, 0, 0, 0]);
      server.behaviour = 'partial';
      await reader.forceFlush();
      await reader.forceFlush();
      server.behaviour = 'accept';
      await reader.forceFlush();
      assert.equal(totals(server, 'ebpf.reads'), 10, 'what was rejected is not sent again');
      assert.equal(totals(server, 'ebpf_meter.export.rejected'), 6);
      assert.deepEqual(lines, [
        `warn: OTLP to ${server.url}: 3 points rejected: too old`,
        `info: OTLP to ${server.url}: nothing is rejected or warned of any more`,
      ]);
      assert.deepEqual([...tallies.exportErrors()], [{ exporter: kind, errorType: 'partial_success', count: 2 }]);
      await reader.shutdown();
    });

    test('exports happen by themselves, every so often', async () => {
      await using server = await start();
      const { rows, store, reader } = await setUp(server, {}, { intervalMs: 20 });
      rows.set('sda', [10, 0, 0, 0, 0, 0]);
      await server.waitForRequests(3);
      assert.ok(store.sequence >= 3);
      await reader.shutdown();
    });

    test('shutdown exports what is there, and resolves', async () => {
      await using server = await start();
      const { rows, reader } = await setUp(server);
      rows.set('sda', [10, 0, 0, 0, 0, 0]);
      await reader.shutdown();
      assert.deepEqual(values(server.accepted[0]!.metric('ebpf.reads')), [10n]);
    });

    test('what breaks in the exporter itself is a failed export, and the next interval tries again', async () => {
      await using server = await start();
      const { rows, reader, lines, tallies } = await setUp(server, {}, { intervalMs: 5 });
      rows.set('sda', [7, 0, 0, 0, 0, 0]);
      let failures = 3;
      const collect = reader.collect.bind(reader);
      reader.collect = () => {
        if (failures-- > 0) throw new RangeError('Array buffer allocation failed');
        return collect();
      };
      const received = await server.waitFor(() => true);
      assert.deepEqual(values(received.metric('ebpf.reads')), [7n]);
      await reader.shutdown();
      assert.deepEqual([...tallies.exportErrors()], [{ exporter: kind, errorType: 'RangeError', count: 3 }]);
      assert.deepEqual(lines, [
        `warn: OTLP to ${server.url}: export failed: Array buffer allocation failed`,
        `info: OTLP to ${server.url}: delivering again after 3 failed exports`,
      ]);
    });

    test('shutdown rejects where the last export failed', async () => {
      await using server = await start();
      const { rows, reader } = await setUp(server);
      server.behaviour = 'unavailable';
      rows.set('sda', [10, 0, 0, 0, 0, 0]);
      await assert.rejects(reader.shutdown(), (error) => {
        assert.ok(error instanceof MeterError);
        assert.equal(error.code, 'reader');
        assert.match(
          error.message,
          /^OTLP to http:\/\/localhost:\S+: the last export failed: (14 UNAVAILABLE|HTTP 503)/,
        );
        return true;
      });
    });

    test('shutdown rejects at its deadline where the Collector hangs', async () => {
      await using server = await start();
      const { rows, reader } = await setUp(server, { timeoutMs: 1000 });
      server.behaviour = 'hang';
      rows.set('sda', [10, 0, 0, 0, 0, 0]);
      await assert.rejects(reader.shutdown({ timeoutMillis: 100 }), {
        code: 'reader',
        message: `OTLP to ${server.url}: the last export was not done after 0.1 s`,
      });
    });

    test('headers', async () => {
      await using server = await start();
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
      await using server = await start();
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
      await using server = await start({ tls: { ...pair, ca } });
      const tls = { insecure: undefined, caFile: files.ca, keyFile: files.clientKey, certFile: files.clientCert };
      const { rows, reader } = await setUp(server, { tls });
      rows.set('sda', [10, 0, 0, 0, 0, 0]);
      await reader.forceFlush();
      assert.equal(server.accepted.length, 1);
      await reader.shutdown();

      const { requests } = server;
      const stranger = await setUp(server, { tls: { ...tls, keyFile: undefined, certFile: undefined } });
      stranger.rows.set('sda', [10, 0, 0, 0, 0, 0]);
      await assert.rejects(stranger.reader.forceFlush());
      assert.equal(server.requests, requests, 'without a client certificate nothing gets through');
      assert.match([...stranger.tallies.exportErrors()][0]!.errorType, /^(UNAVAILABLE|ERR_SSL_.*|ECONNRESET|EPIPE)$/);
      await assert.rejects(stranger.reader.shutdown());
    });

    test('a header that can’t be sent is named, its value is not', async () => {
      const config = otlpConfig(kind, 'http://localhost:1', { headers: { 'x-token': 'se\ncret' } });
      const { context } = fakeContext(new FakeStore());
      await assert.rejects(periodicKind.create(config, context), (error) => {
        assert.ok(error instanceof MeterError);
        assert.match(error.message, /header "x-token"/);
        assert.doesNotMatch(error.message, /cret/);
        return true;
      });
    });
  });
}
