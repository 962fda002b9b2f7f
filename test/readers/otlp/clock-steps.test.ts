import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Clock } from '../../../src/metrics/clock.ts';
import type { OtlpServer, ReceivedExport } from '../../helpers/otlp-server.ts';
import { type OtlpOverrides, protocols, setUp, totals } from './set-up.ts';

const AT = 1_800_000_000_000;
const HOUR = 3_600_000;

/** A reader on a machine whose wall clock the test sets. */
async function onMachine(server: OtlpServer, overrides: OtlpOverrides) {
  const now = { wall: AT, steady: 0 };
  const clock = new Clock({ wall: () => now.wall, steady: () => now.steady, origin: [AT / 1000 - 2, 0] });
  const machine = await setUp(server, overrides, {}, clock);
  const pass = (ms: number) => {
    now.wall += ms;
    now.steady += ms;
  };
  return { ...machine, now, clock, pass };
}

function pointsOf(received: ReceivedExport) {
  const metrics = received.scopes.flatMap((scope) => scope.metrics);
  return metrics.flatMap(({ name, points }) => points.map((point) => ({ name, ...point })));
}

const ms = (nanoseconds: bigint) => Number(nanoseconds / 1_000_000n);

for (const { kind, start } of protocols) {
  describe(`${kind}: the clock is set back by an hour`, () => {
    for (const temporality of ['delta', 'cumulative'] as const) {
      test(`${temporality}: every point starts before its time, is of now, and nothing is lost`, async () => {
        await using server = await start();
        const { rows, reader, now, clock, pass } = await onMachine(server, { temporality });
        const began = clock.read();
        rows.set('sda', [7, 0, 1, 0, 0, 0], began);
        const exported = async (): Promise<ReceivedExport> => {
          pass(10_000);
          await reader.forceFlush();
          const received = server.accepted.at(-1)!;
          for (const { name, start: from, time } of pointsOf(received)) {
            assert.ok(from < time, `${name}: ${from} ${time}`);
            assert.ok(Math.abs(ms(time) - now.wall) < 2, `${name}: ${time}`);
          }
          return received;
        };
        const first = await exported();
        rows.set('sda', [18, 0, 1, 3, 0, 0]);
        now.wall -= HOUR;
        const second = await exported();
        rows.set('sdb', [5, 0, 0, 0, 0, 0], clock.read());
        rows.set('sda', [31, 0, 1, 4, 0, 0]);
        const third = await exported();

        const of = (received: ReceivedExport, name: string) => received.metric(name)!.points[0]!;
        const isDelta = temporality === 'delta';
        const values = [first, second, third].map((received) => of(received, 'ebpf.reads').value);
        assert.deepEqual(values, isDelta ? [7n, 11n, 13n] : [7n, 18n, 31n]);
        for (const name of ['ebpf.reads', 'ebpf_meter.read.duration']) {
          const begins = name === 'ebpf.reads' ? AT : AT - 2000;
          assert.equal(ms(of(first, name).start), begins);
          // By the new clock: a delta since the export before, a total since its beginning.
          assert.ok(Math.abs(ms(of(second, name).start) - (isDelta ? AT + 10_000 : begins) + HOUR) < 2, name);
          assert.equal(of(third, name).start, isDelta ? of(second, name).time : of(second, name).start);
        }
        assert.ok(isDelta === (totals(server, 'ebpf.reads') === 36));
        assert.ok(isDelta === (totals(server, 'ebpf_meter.read.duration') === 3));
        await reader.shutdown();
      });

      test(`${temporality}: during an outage, with a series that has vanished before`, async () => {
        await using server = await start();
        const { rows, reader, now, clock, pass } = await onMachine(server, { temporality });
        rows.set('sda', [7, 0, 1, 0, 0, 0], clock.read());
        rows.set('sdb', [3, 0, 0, 0, 0, 0], clock.read());
        server.behaviour = 'unavailable';
        pass(10_000);
        await assert.rejects(reader.forceFlush());
        rows.remove('sdb');
        pass(10_000);
        await assert.rejects(reader.forceFlush());
        now.wall -= HOUR;
        pass(10_000);
        server.behaviour = 'accept';
        rows.set('sda', [18, 0, 1, 0, 0, 0]);
        await reader.forceFlush();
        const [received] = server.accepted;
        for (const { name, start: from, time } of pointsOf(received!)) {
          assert.ok(from < time, `${name}: ${from} ${time}`);
          assert.ok(ms(time) <= now.wall + 1, `${name}: ${time}`);
        }
        const reads = received!.metric('ebpf.reads')!.points.map(({ attributes, value }) => [attributes.key, value]);
        assert.deepEqual(
          new Map(reads as [string, bigint][]),
          new Map([
            ['sda', 18n],
            ['sdb', 3n],
          ]),
        );
        await reader.shutdown();
      });
    }
  });
}
