import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { callGetppid, getppid } from '../fixtures/plan.ts';
import { type ReceivedExport, type ReceivedPoint, startOtlpServer } from '../helpers/otlp-server.ts';
import { meterCommand, RunningMeter } from '../helpers/process.ts';
import { programFolder } from '../helpers/program-folder.ts';

const yaml = `
constants: {wanted_pid: ${process.pid}, wanted_call: ${getppid}}
maps:
  calls: {labels: [{name: kind}]}
  io: {cache: io_cache}
metrics:
  counters:
    - {name: calls, unit: '{call}', help: Calls}
`;

const HOUR_NS = 3_600_000_000_000n;

function pointsOf(exports: readonly ReceivedExport[]): (ReceivedPoint & { name: string })[] {
  const metrics = exports.flatMap(({ scopes }) => scopes.flatMap((scope) => scope.metrics));
  return metrics.flatMap(({ name, points }) => points.map((point) => ({ name, ...point })));
}

describe('a wall clock that is set back by an hour', () => {
  for (const temporality of ['cumulative', 'delta']) {
    it(`${temporality}: all points start before their time, and every event is told`, async () => {
      using folder = programFolder({ native: { yaml, object: 'native-style' } });
      await using collector = await startOtlpServer();
      const [node, ...main] = meterCommand;
      const clock = join(import.meta.dirname, '..', 'fixtures', 'settable-clock.mjs');
      const env = {
        OTEL_METRIC_EXPORT_INTERVAL: '100',
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: temporality,
      };
      const command = [node!, '--import', clock, ...main];
      const args = ['--no-shipped', '--programs', folder.path, '--otlp', collector.url];
      await using meter = await RunningMeter.start(args, env, { command });
      const total = () => {
        const values = collector.accepted.flatMap((one) => one.metric('ebpf.calls')?.points ?? []);
        const numbers = values.map(({ value }) => Number(value));
        return temporality === 'delta' ? numbers.reduce((sum, one) => sum + one, 0) : (numbers.at(-1) ?? 0);
      };
      callGetppid(97);
      await collector.waitFor(() => total() === 97);
      meter.kill('SIGUSR2');
      await meter.logged(/ WARN {2}the clock was set back by 3\d{3}(\.\d+)? s: /);
      const before = collector.accepted.length;
      callGetppid(900);
      await collector.waitFor(() => total() === 997);
      await meter.stop();
      assert.equal(total(), 997);
      const points = pointsOf(collector.accepted);
      for (const { name, start, time } of points) assert.ok(start < time, `${name}: ${start} ${time}`);
      const limit = BigInt(Date.now()) * 1_000_000n - HOUR_NS / 2n;
      // One export may have been under way.
      const after = pointsOf(collector.accepted.slice(before + 1));
      assert.ok(after.length > 0);
      for (const { name, start, time } of after) assert.ok(time < limit && start < limit, `${name}: ${start} ${time}`);
    });
  }
});
