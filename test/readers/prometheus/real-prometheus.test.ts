import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { hashSync } from 'bcryptjs';
import type { TablePlan } from '../../../src/config/plan.ts';
import { counter, FakeMap, histogram, tablePlan } from '../../helpers/fake-maps.ts';
import { type Found, findPrometheus, PrometheusProcess } from '../../helpers/prometheus-server.ts';
import { type Serving, serve } from '../../helpers/serving.ts';
import { createTestCertificates, type TestCertificates } from '../../helpers/test-certificates.ts';

const server = findPrometheus();
const skip = 'missing' in server ? server.missing : false;

const stringLabel = (plan: TablePlan): TablePlan => {
  return { ...plan, labels: plan.labels.map((label) => ({ ...label, decoders: [{ name: 'string' }] })) };
};

/** Labels of up to 4 characters, as a key. */
const key = (...texts: string[]) => texts.map((text) => Buffer.from(text.padEnd(4, '\0')).readUInt32LE());

function plansAndMaps(): { plans: TablePlan[]; maps: FakeMap[] } {
  const events = new FakeMap('events', 8, 8);
  events.set(key('a"\\\n', 'é'), [9007199254740991]);
  events.set(key('b', 'c'), [23]);
  const level = new FakeMap('level', 0, 8);
  level.set([], [0]);
  // Bytes: slots up to 1, 2, 4, 8, and above.
  const size = new FakeMap('size', 4, 48);
  size.set(key('x'), [3, 5, 0, 7, 2, 1009]);
  // The slots of a second's histogram are microseconds.
  const latency = new FakeMap('latency', 0, 48);
  latency.set([], [1, 0, 0, 11, 0, 5_000_000]);
  const unsummed = new FakeMap('unsummed', 0, 24);
  unsummed.set([], [1, 2, 3]);
  const bytes = { unit: 'By', bounds: [1, 2, 4, 8], le: ['1', '2', '4', '8'] };
  return {
    maps: [events, level, size, latency, unsummed],
    plans: [
      stringLabel(tablePlan('events', ['system.device', 'op'], 1, [counter('ebpf.events', { unit: '{event}' })])),
      tablePlan('level', [], 1, [counter('ebpf.level', { kind: 'gauge', unit: '1' })]),
      stringLabel(
        tablePlan('size', ['disk.io'], 6, [
          histogram('ebpf.size', 4, { ...bytes, sum: { cell: 5, scale: { multiplier: 1, divisor: 1 } } }),
        ]),
      ),
      tablePlan('latency', [], 6, [histogram('ebpf.latency', 4)]),
      tablePlan('unsummed', [], 3, [histogram('ebpf.unsummed', 2, { sum: undefined, unit: '' })]),
    ],
  };
}

const job = (name: string, address: string, ...lines: string[]) =>
  [
    `- job_name: ${name}`,
    ...lines.map((line) => `  ${line}`),
    `  static_configs: [{targets: ['${address}']}]`,
    '',
  ].join('\n');

const value = ([series]: readonly Found[]) => Number(series!.value![1]);

describe('a real Prometheus', { skip, concurrency: true }, () => {
  let meter: Serving;
  let utf8: Serving;
  let secured: Serving;
  let certificates: TestCertificates;
  let folder: string;
  let prometheus: PrometheusProcess;

  before(async () => {
    const { plans, maps } = plansAndMaps();
    meter = await serve(plans, maps);
    utf8 = await serve(plans, maps, { translation: 'no_utf8_escaping_with_suffixes', scopeInfo: true });
    certificates = createTestCertificates();
    const { files } = certificates;
    folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-web-'));
    writeFileSync(
      join(folder, 'web.yml'),
      `tls_server_config:
  cert_file: ${files.serverCert}
  key_file: ${files.serverKey}
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ${files.ca}
basic_auth_users: {prometheus: ${hashSync('secret', 5)}}
`,
    );
    secured = await serve(plans, maps, { webConfigFile: join(folder, 'web.yml') });
    const tls = `{ca_file: ${files.ca}, cert_file: ${files.clientCert}, key_file: ${files.clientKey}, server_name: localhost}`;
    const one = meter.address;
    const other = utf8.address;
    prometheus = await PrometheusProcess.start(
      (server as { path: string }).path,
      [
        job('default', one),
        job('text', one, 'scrape_protocols: [PrometheusText0.0.4]'),
        job('text1', one, 'scrape_protocols: [PrometheusText1.0.0]'),
        job('openmetrics', one, 'scrape_protocols: [OpenMetricsText1.0.0]'),
        job('openmetrics0', one, 'scrape_protocols: [OpenMetricsText0.0.1]'),
        job('protobuf', one, 'scrape_protocols: [PrometheusProto]'),
        job('native', one, 'scrape_native_histograms: true'),
        job('both', one, 'scrape_native_histograms: true', 'always_scrape_classic_histograms: true'),
        job('utf8', other),
        job('utf8text', other, 'scrape_protocols: [PrometheusText1.0.0]'),
        job('utf8proto', other, 'scrape_native_histograms: true'),
        job('underscores', other, 'metric_name_escaping_scheme: underscores', 'metric_name_validation_scheme: legacy'),
        job('dots', other, 'metric_name_escaping_scheme: dots'),
        job(
          'secured',
          secured.address,
          'scheme: https',
          `tls_config: ${tls}`,
          'basic_auth: {username: prometheus, password: secret}',
        ),
        job(
          'intruder',
          secured.address,
          'scheme: https',
          `tls_config: ${tls}`,
          'basic_auth: {username: prometheus, password: wrong}',
        ),
        job('values', other, 'metric_name_escaping_scheme: values'),
      ].join(''),
    );
    await prometheus.until('up == 1', (series) => series.length === 15);
  });

  after(async () => {
    await prometheus?.[Symbol.asyncDispose]();
    await meter?.[Symbol.asyncDispose]();
    await utf8?.[Symbol.asyncDispose]();
    await secured?.[Symbol.asyncDispose]();
    certificates?.[Symbol.dispose]();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  const classic = ['default', 'text', 'text1', 'openmetrics', 'openmetrics0', 'protobuf', 'both'];
  for (const name of [...classic, 'native']) {
    it(`takes counters and gauges by ${name}`, async () => {
      const events = await prometheus.found(`ebpf_events_total{job="${name}",system_device="a\\"\\\\\\n",op="é"}`);
      assert.equal(value(events), 9007199254740991);
      assert.equal(value(await prometheus.found(`sum(ebpf_events_total{job="${name}",op="c"})`)), 23);
      assert.equal(value(await prometheus.found(`ebpf_level_ratio{job="${name}"}`)), 0);
      assert.equal(value(await prometheus.found(`target_info{job="${name}",service_name="test"}`)), 1);
      await prometheus.found(`ebpf_meter_collection_duration_seconds_count{job="${name}",reader="prometheus"} > 0`);
      assert.deepEqual(
        Object.values(await prometheus.scrapeErrors()).filter(
          (error) => !/^(?:|server returned HTTP status 401.*)$/.test(error),
        ),
        [],
      );
    });
  }

  for (const name of classic) {
    it(`takes explicit buckets by ${name}`, async () => {
      const buckets = await prometheus.until(`ebpf_size_bytes_bucket{job="${name}"}`, ({ length }) => length === 5);
      const counts = Object.fromEntries(buckets.map(({ metric, value }) => [metric.le, Number(value![1])]));
      assert.deepEqual(counts, { '1.0': 3, '2.0': 8, '4.0': 8, '8.0': 15, '+Inf': 17 });
      assert.equal(value(await prometheus.found(`ebpf_size_bytes_sum{job="${name}",disk_io="x"}`)), 1009);
      assert.equal(value(await prometheus.found(`ebpf_latency_seconds_sum{job="${name}"}`)), 5);
      assert.equal(value(await prometheus.found(`ebpf_latency_seconds_count{job="${name}"}`)), 12);
      assert.equal(value(await prometheus.found(`histogram_quantile(1, ebpf_size_bytes_bucket{job="${name}"})`)), 8);
      assert.equal(value(await prometheus.found(`ebpf_unsummed_bucket{job="${name}",le="+Inf"}`)), 6);
    });
  }

  for (const [name, metric] of [
    ['native', 'ebpf_size_bytes'],
    ['both', 'ebpf_size_bytes'],
    ['utf8proto', 'ebpf.size_bytes'],
  ] as const) {
    it(`takes each slot as a bucket of a native histogram by ${name}`, async () => {
      const [series] = await prometheus.found(`{"${metric}",job="${name}"}`);
      const { count, sum, buckets } = series!.histogram![1];
      assert.deepEqual([Number(count), Number(sum)], [17, 1009]);
      // Up to 1 in the zero bucket; of those that are above 8 nobody knows more, so the next holds them.
      assert.deepEqual(
        buckets!.map(([, low, high, number]) => [Number(low), Number(high), Number(number)]),
        [
          [-1, 1, 3],
          [1, 2, 5],
          [4, 8, 7],
          [8, 16, 2],
        ],
      );
      assert.equal(value(await prometheus.found(`histogram_fraction(1, 2, {"${metric}",job="${name}"})`)), 5 / 17);
    });
  }

  it('takes slots of microseconds as buckets of seconds, moved by less than 5 %', async () => {
    const [series] = await prometheus.found('ebpf_latency_seconds{job="native"}');
    const { count, sum, buckets } = series!.histogram![1];
    assert.deepEqual([Number(count), Number(sum)], [12, 5]);
    assert.deepEqual(
      buckets!.map(([, low, high, number]) => [Number(low), Number(high), Number(number)]),
      [
        [-(2 ** -20), 2 ** -20, 1],
        [2 ** -18, 2 ** -17, 11],
      ],
    );
    const p99 = value(await prometheus.found('histogram_quantile(1, ebpf_latency_seconds{job="native"})'));
    const exact = value(await prometheus.found('histogram_quantile(1, ebpf_latency_seconds_bucket{job="text"})'));
    assert.ok(Math.abs(p99 / exact - 1) < 0.05, `${p99} for ${exact}`);
  });

  it('sees no sum where the program keeps none', async () => {
    assert.deepEqual((await prometheus.found('ebpf_unsummed{job="native"}'))[0]!.histogram![1].sum, 'NaN');
    await prometheus.until('absent(ebpf_unsummed_sum{job=~"text|openmetrics"})', ({ length }) => length === 1);
    await prometheus.until('absent(ebpf_unsummed_count{job="openmetrics"})', ({ length }) => length === 1);
  });

  it('takes native histograms of our own metrics as explicit buckets', async () => {
    const seconds = await prometheus.until(
      'ebpf_meter_read_duration_seconds_bucket{job="native",le="10.0"} > 0',
      ({ length }) => length === 1,
    );
    assert.ok(value(seconds) > 0);
  });

  it('knows type, help and unit', async () => {
    // Formats without a line for it give no unit.
    const sizes = await prometheus.metadata('ebpf_size_bytes');
    const known = sizes.find(({ unit }) => unit !== '');
    assert.deepEqual(known, { type: 'histogram', help: 'Help of ebpf.size', unit: 'bytes' });
    const events = ['ebpf_events_total', 'ebpf_events'].map((name) => prometheus.metadata(name));
    assert.deepEqual([...new Set((await Promise.all(events)).flat().map(({ type }) => type))], ['counter']);
  });

  const names: [string, string][] = [
    ['utf8', '{"ebpf.events_total",job="utf8","system.device"="b",op="c",otel_scope_name="ebpf-meter"}'],
    ['utf8text', '{"ebpf.events_total",job="utf8text","system.device"="b",op="c"}'],
    ['utf8proto', '{"ebpf.events_total",job="utf8proto","system.device"="b",op="c"}'],
    ['underscores', 'ebpf_events_total{job="underscores",system_device="b"}'],
    ['dots', 'ebpf_dot_events__total{job="dots",system_dot_device="b"}'],
    ['values', 'U__ebpf_2e_events__total{job="values",U__system_2e_device="b"}'],
  ];
  for (const [name, query] of names) {
    it(`takes names by ${name}`, async () => {
      assert.equal(value(await prometheus.found(query)), 23);
      assert.deepEqual(
        Object.values(await prometheus.scrapeErrors()).filter(
          (error) => !/^(?:|server returned HTTP status 401.*)$/.test(error),
        ),
        [],
      );
    });
  }

  it('comes in by TLS with its certificate and password, and not with another password', async () => {
    assert.equal(value(await prometheus.found('sum(ebpf_events_total{job="secured",op="c"})')), 23);
    assert.equal(value(await prometheus.found('up{job="intruder"}')), 0);
    const rejections = 'ebpf_meter_scrape_rejections_total{job="secured",reason="unauthorized"}';
    assert.ok(value(await prometheus.found(rejections)) > 0);
  });

  it('takes escaped label values under names in UTF-8', async () => {
    assert.equal(
      value(await prometheus.found('{"ebpf.events_total",job="utf8","system.device"="a\\"\\\\\\n"}')),
      9007199254740991,
    );
    assert.equal(value(await prometheus.found('{"ebpf.size_bytes_bucket",job="utf8","disk.io"="x",le="2.0"}')), 8);
  });
});
