import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { callGetppid, getppid } from '../fixtures/plan.ts';
import { within } from '../helpers/deadline.ts';
import { type OtlpServer, type ReceivedExport, startOtlpServer } from '../helpers/otlp-server.ts';
import { MeterProcess, RunningMeter } from '../helpers/process.ts';
import { type ProgramFolder, programFolder } from '../helpers/program-folder.ts';

const yaml = `
constants: {wanted_pid: ${process.pid}, wanted_call: ${getppid}}
maps:
  calls: {labels: [{name: kind}]}
  io: {cache: io_cache}
metrics:
  counters:
    - {name: calls, unit: '{call}', help: Calls}
  gauges:
    - {name: level, unit: By, help: Falls by one with each call}
  histograms:
    - {name: io.size, unit: By, help: Sizes, map: io, field: size}
`;

const often = { OTEL_METRIC_EXPORT_INTERVAL: '100' };
const delta = { OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta' };

function counting(): ProgramFolder {
  return programFolder({ native: { yaml, object: 'native-style' } });
}

/** What the points of a metric add up to: values, or of a histogram counts. */
function total(received: ReceivedExport, name: string): number {
  const points = received.metric(name)?.points ?? [];
  return points.reduce((sum, { value, count }) => sum + Number(value ?? count), 0);
}

function totals(exports: readonly ReceivedExport[], name: string): number {
  return exports.reduce((sum, received) => sum + total(received, name), 0);
}

/** What so many calls add up to: the first counts 0 bytes, and each 512 more than the one before. */
function bytes(calls: number): number {
  return (512 * calls * (calls - 1)) / 2;
}

/** A port that nobody listens on. */
async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves when so many exports have failed, as the Prometheus page says. */
async function failures(meter: RunningMeter, count: number): Promise<void> {
  const reach = async () => {
    while ((await meter.scrape()).total('ebpf_meter_export_failures_total') < count) await setTimeout(20);
  };
  await within(reach(), () => `not yet ${count} failed exports:\n${meter.stderr}`);
}

/** The Collector refuses, so that no delivery is unconfirmed, then it is gone. */
async function takeDown(collector: OtlpServer, meter: RunningMeter): Promise<void> {
  collector.behaviour = 'unavailable';
  await meter.logged(/ WARN .*export failed/);
  await collector[Symbol.asyncDispose]();
}

describe('OTLP', () => {
  it('cumulative points tell the totals, beside a Prometheus page that tells the same', async () => {
    using folder = counting();
    await using collector = await startOtlpServer();
    const before = BigInt(Date.now()) * 1_000_000n;
    await using meter = await RunningMeter.start(['--no-shipped', '--programs', folder.path, '--otlp', collector.url], {
      ...often,
      OTEL_RESOURCE_ATTRIBUTES: 'rack=a%201',
    });
    callGetppid(97);
    assert.equal((await meter.scrape()).total('ebpf_calls_total'), 97);
    const first = await collector.waitFor((received) => total(received, 'ebpf.calls') === 97);
    callGetppid(900);
    const second = await collector.waitFor((received) => total(received, 'ebpf.calls') === 997);
    const page = await meter.scrape();

    const { value, attributes, start, time } = second.metric('ebpf.calls')!.points[0]!;
    assert.equal(Number(value), 997);
    assert.deepEqual(attributes, { kind: '1' });
    assert.ok(before <= start && start < time && time <= BigInt(Date.now()) * 1_000_000n, `${start} ${time}`);
    assert.equal(first.metric('ebpf.calls')!.points[0]!.start, start);
    const { points, ...calls } = second.metric('ebpf.calls')!;
    assert.deepEqual(calls, {
      name: 'ebpf.calls',
      description: 'Calls',
      unit: '{call}',
      kind: 'sum',
      temporality: 'cumulative',
      monotonic: true,
    });
    assert.equal(points.length, 1);

    const size = second.metric('ebpf.io.size')!;
    assert.deepEqual([size.kind, size.temporality, size.unit], ['histogram', 'cumulative', 'By']);
    assert.equal(size.points.length, 67);
    assert.equal(total(second, 'ebpf.io.size'), 997);
    assert.equal(
      size.points.reduce((sum, point) => sum + point.sum!, 0),
      bytes(997),
    );
    assert.equal(size.points[0]!.bounds!.length, 26);
    assert.equal(size.points[0]!.counts!.length, 27);
    const level = second.metric('ebpf.level')!;
    assert.deepEqual([level.kind, Number(level.points[0]!.value)], ['gauge', 10 - 996]);

    assert.equal(page.total('ebpf_calls_total'), 997);
    assert.equal(page.total('ebpf_io_size_bytes_count'), 997);
    assert.equal(page.total('ebpf_io_size_bytes_sum'), bytes(997));
    assert.equal(second.resource['service.name'], 'ebpf-meter');
    assert.equal(second.resource.rack, 'a 1');
    assert.equal(total(second, 'ebpf_meter.program.attached'), 2);
    assert.equal((await meter.stop()).status, 0);
  });

  it('deltas add up to the totals, to the last call before the end', async () => {
    using folder = counting();
    await using collector = await startOtlpServer();
    await using meter = await RunningMeter.start(['--no-shipped', '--programs', folder.path, '--otlp', collector.url], {
      ...often,
      ...delta,
    });
    for (const calls of [97, 194, 291]) {
      callGetppid(97);
      await collector.waitFor(() => totals(collector.accepted, 'ebpf.calls') >= calls);
      // A scrape in between takes nothing away.
      assert.equal((await meter.scrape()).total('ebpf_calls_total'), calls);
    }
    callGetppid(23);
    const { status } = await meter.stop();
    assert.equal(status, 0);

    assert.equal(totals(collector.accepted, 'ebpf.calls'), 314);
    assert.equal(totals(collector.accepted, 'ebpf.io.size'), 314);
    const sizes = collector.accepted.flatMap((received) => received.metric('ebpf.io.size')?.points ?? []);
    assert.equal(
      sizes.reduce((sum, point) => sum + point.sum!, 0),
      bytes(314),
    );
    const sent = collector.accepted.flatMap((received) => received.metric('ebpf.calls') ?? []);
    assert.deepEqual(new Set(sent.map(({ temporality }) => temporality)), new Set(['delta']));
    const points = sent.flatMap((metric) => metric.points);
    for (const [index, point] of points.entries()) {
      assert.ok(point.start < point.time);
      if (index > 0) assert.ok(points[index - 1]!.time <= point.start, `delta ${index} overlaps`);
    }
    // A gauge has no temporality: it is what it was.
    const levels = collector.accepted.flatMap((received) => received.metric('ebpf.level')?.points ?? []);
    assert.equal(Number(levels.at(-1)!.value), 10 - 313);
  });

  for (const [temporality, env] of [
    ['cumulative', {}],
    ['delta', delta],
  ] as const) {
    it(`${temporality}: nothing is lost or counted twice by a Collector that was away`, async () => {
      using folder = counting();
      const collector = await startOtlpServer();
      await using _closed = collector;
      await using meter = await RunningMeter.start(
        ['--no-shipped', '--programs', folder.path, '--otlp', collector.url],
        {
          ...often,
          ...env,
        },
      );
      callGetppid(97);
      await collector.waitFor(() => totals(collector.accepted, 'ebpf.calls') >= 97);
      await takeDown(collector, meter);
      callGetppid(100);
      await failures(meter, 3);
      callGetppid(23);

      await using again = await startOtlpServer({ port: collector.port });
      const all = () => [...collector.accepted, ...again.accepted];
      const sum = () => (temporality === 'delta' ? totals(all(), 'ebpf.calls') : total(all().at(-1)!, 'ebpf.calls'));
      await again.waitFor(() => sum() >= 220);
      await meter.logged(/ INFO {2}OTLP to \S+: delivering again after \d+ failed exports/);
      callGetppid(3);
      const { status, stderr } = await meter.stop();

      assert.equal(status, 0, stderr);
      assert.equal(sum(), 223);
      assert.equal(stderr.match(/: export failed/g)?.length, 1, stderr);
      const counts = temporality === 'delta' ? totals(all(), 'ebpf.io.size') : total(all().at(-1)!, 'ebpf.io.size');
      assert.equal(counts, 223);
    });
  }

  it('a Collector that is not there is told once and counted, and ends neither the page nor the process', async () => {
    using folder = counting();
    const url = `http://localhost:${await unusedPort()}`;
    await using meter = await RunningMeter.start(['--no-shipped', '--programs', folder.path, '--otlp', url], often);
    callGetppid(23);
    await failures(meter, 3);
    const scrape = await meter.scrape();
    assert.equal(scrape.total('ebpf_calls_total'), 23);
    const { samples } = scrape.page.families.get('ebpf_meter_export_failures_total')!;
    assert.deepEqual(
      samples.map(({ labels }) => ({ ...labels })),
      [{ exporter: 'otlp_grpc', error_type: 'UNAVAILABLE' }],
    );
    const { status, stderr } = await meter.stop();
    assert.equal(status, 0);
    assert.equal(stderr.match(/: export failed/g)?.length, 1, stderr);
    assert.match(stderr, new RegExp(` WARN {2}OTLP to ${url}: the last export failed: `));
    assert.doesNotMatch(stderr, /^\s+at /m);
  });

  for (const [temporality, env] of [
    ['cumulative', {}],
    ['delta', delta],
  ] as const) {
    it(`${temporality}: the first and only export is that of the end`, async () => {
      using folder = counting();
      await using collector = await startOtlpServer();
      const args = ['--no-shipped', '--programs', folder.path, '--prometheus', 'off', '--otlp', collector.url];
      await using meter = new MeterProcess(args, env);
      await meter.logged(/running after/);
      callGetppid(997);
      const { status, stderr } = await meter.stop();
      assert.equal(status, 0, stderr);
      assert.equal(collector.accepted.length, 1);
      assert.equal(total(collector.accepted[0]!, 'ebpf.calls'), 997);
    });
  }

  it('a process that only pushes goes on until a signal', async () => {
    using folder = counting();
    await using collector = await startOtlpServer();
    const args = ['--no-shipped', '--programs', folder.path, '--prometheus', 'off', '--otlp', collector.url];
    await using meter = new MeterProcess(args, often);
    await collector.waitForRequests(3);
    callGetppid(23);
    await collector.waitFor((received) => total(received, 'ebpf.calls') === 23);
    assert.equal((await meter.stop()).status, 0);
  });
});
