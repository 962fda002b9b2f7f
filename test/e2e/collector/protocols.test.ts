import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { callGetppid } from '../../fixtures/plan.ts';
import { Collector, noCollector } from '../../helpers/collector.ts';
import { createTestCertificates } from '../../helpers/test-certificates.ts';
import { counting, pushTo, stored } from './pushing.ts';

for (const protocol of ['grpc', 'http'] as const) {
  describe(`a real Collector over ${protocol}`, { skip: noCollector }, () => {
    for (const compression of ['none', 'gzip'] as const) {
      it(`cumulative totals, compression ${compression}`, async () => {
        using folder = counting();
        await using collector = await Collector.start({ protocol });
        await using meter = await pushTo(collector.url, folder, protocol, { compression });
        callGetppid(997);
        await collector.until(() => stored(collector, 'ebpf.calls', 'cumulative') === 997);
        callGetppid(4);
        const { status, stderr } = await meter.stop();
        await collector.end();
        assert.equal(status, 0, stderr);
        assert.doesNotMatch(stderr, / WARN /);
        const points = collector.points('ebpf.calls');
        assert.equal(points.at(-1)!.value, 1001);
        assert.deepEqual(points.at(-1)!.attributes, { kind: '1' });
        assert.equal(new Set(points.map(({ start }) => start)).size, 1);
        assert.equal(stored(collector, 'ebpf.io.size', 'cumulative'), 1001);
        const size = collector.points('ebpf.io.size').at(-1)!;
        assert.ok((size.json.explicitBounds as unknown[]).length > 0);
        assert.ok(collector.points('ebpf_meter.read.duration').length > 0);
      });
    }

    it('deltas add up, exponential histograms are taken from the slots as they are', async () => {
      using folder = counting();
      await using collector = await Collector.start({ protocol });
      await using meter = await pushTo(collector.url, folder, protocol, {
        temporality_preference: 'delta',
        default_histogram_aggregation: 'base2_exponential_bucket_histogram',
      });
      for (const calls of [97, 194, 291]) {
        callGetppid(97);
        await collector.until(() => stored(collector, 'ebpf.calls', 'delta') >= calls);
      }
      callGetppid(23);
      const { status, stderr } = await meter.stop();
      await collector.end();
      assert.equal(status, 0, stderr);
      const points = collector.points('ebpf.calls');
      assert.equal(stored(collector, 'ebpf.calls', 'delta'), 314);
      for (const [index, { start, time }] of points.entries()) {
        assert.ok(start < time);
        if (index > 0) assert.equal(start, points[index - 1]!.time, `interval ${index}`);
      }
      assert.equal(stored(collector, 'ebpf.io.size', 'delta'), 314);
      // 0, 512, … 313 × 512 bytes: 0 is below the first bound, (2^(k-1), 2^k] has 2^(k-10) of them from 1024 on.
      const counted = new Map<number, number>();
      let zeros = 0;
      for (const { json } of collector.points('ebpf.io.size')) {
        const { scale, zeroCount, positive, explicitBounds } = json as unknown as Exponential;
        assert.equal(scale ?? 0, 0);
        assert.equal(explicitBounds, undefined);
        zeros += Number(zeroCount ?? 0);
        for (const [i, count] of (positive?.bucketCounts ?? []).entries()) {
          const index = (positive!.offset ?? 0) + i;
          counted.set(index, (counted.get(index) ?? 0) + Number(count));
        }
      }
      assert.equal(zeros, 1);
      const expected = new Map<number, number>();
      for (let call = 1; call < 314; call++) {
        const index = Math.ceil(Math.log2(call * 512)) - 1;
        expected.set(index, (expected.get(index) ?? 0) + 1);
      }
      const some = [...counted].filter(([, count]) => count > 0).sort(([a], [b]) => a - b);
      assert.deepEqual(
        some,
        [...expected].sort(([a], [b]) => a - b),
      );
      const durations = collector.points('ebpf_meter.read.duration');
      assert.ok(
        durations.some(({ json }) => 'scale' in json),
        'its own histograms too',
      );
    });

    it('TLS on both sides, and a token', async () => {
      using certificates = createTestCertificates();
      const { ca, serverKey, serverCert, clientKey, clientCert } = certificates.files;
      using folder = counting();
      const tls = { key: serverKey, cert: serverCert, ca };
      await using collector = await Collector.start({ protocol, tls, token: 'sesame' });
      const headers = [{ name: 'Authorization', value: 'Bearer sesame' }];
      const mutual = { ca_file: ca, key_file: clientKey, cert_file: clientCert };
      await using meter = await pushTo(collector.url, folder, protocol, { headers, tls: mutual });
      callGetppid(997);
      const isStored = () => stored(collector, 'ebpf.calls', 'cumulative') === 997;
      await collector.until(isStored, () => meter.stderr);
      assert.equal((await meter.stop()).status, 0);
    });

    for (const { what, token, withKey, errorType, words } of [
      {
        what: 'a wrong token',
        token: 'guess',
        withKey: true,
        errorType: /^(UNAUTHENTICATED|401)$/,
        words: /headers that carry/,
      },
      {
        what: 'no certificate',
        token: 'sesame',
        withKey: false,
        errorType: /^(UNAVAILABLE|ERR_SSL_.*|ECONNRESET|EPIPE)$/,
        words: /export failed/,
      },
    ]) {
      it(`${what} is told, and nothing arrives`, async () => {
        using certificates = createTestCertificates();
        const { ca, serverKey, serverCert, clientKey, clientCert } = certificates.files;
        using folder = counting();
        const tls = { key: serverKey, cert: serverCert, ca };
        await using collector = await Collector.start({ protocol, tls, token: 'sesame' });
        const headers = [{ name: 'Authorization', value: `Bearer ${token}` }];
        const own = { ca_file: ca, ...(withKey && { key_file: clientKey, cert_file: clientCert }) };
        await using meter = await pushTo(collector.url, folder, protocol, { headers, tls: own });
        callGetppid(997);
        await meter.logged(/ WARN {2}OTLP to \S+: export failed: /);
        const { samples } = (await meter.scrape()).page.families.get('ebpf_meter_export_failures_total')!;
        for (const { labels } of samples) assert.match(labels.error_type!, errorType);
        const { stderr } = await meter.stop();
        assert.match(stderr, words);
        assert.doesNotMatch(stderr, /sesame|guess/);
        await collector.end();
        assert.equal(collector.points('ebpf.calls').length, 0);
      });
    }
  });
}

interface Exponential {
  readonly scale?: number;
  readonly zeroCount?: string;
  readonly positive?: { readonly offset?: number; readonly bucketCounts?: readonly string[] };
  readonly explicitBounds?: unknown;
}
