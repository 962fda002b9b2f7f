import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HrTime } from '@opentelemetry/api';
import { Clock } from '../../src/metrics/clock.ts';

/** Some second of 2023. */
const AT = 1_700_000_000;

/** A machine whose wall clock somebody sets; it began ten seconds before AT. */
function machine() {
  const now = { wall: AT * 1000, steady: 10_000 };
  const clock = new Clock({ wall: () => now.wall, steady: () => now.steady, origin: [AT - 10, 0] });
  const pass = (ms: number) => {
    now.wall += ms;
    now.steady += ms;
  };
  return { now, clock, pass };
}

const nanoseconds = ([seconds, rest]: HrTime) => BigInt(seconds) * 1_000_000_000n + BigInt(rest);

test('it is the wall clock, and never the same twice', () => {
  const { clock, pass } = machine();
  assert.deepEqual(clock.read(), [AT, 0]);
  assert.deepEqual(clock.read(), [AT, 1]);
  pass(1250);
  assert.deepEqual(clock.read(), [AT + 1, 250_000_000]);
  assert.deepEqual(clock.told([AT, 1], [AT + 1, 0]), { start: [AT, 1], time: [AT + 1, 0] });
  assert.deepEqual(clock.steps, []);
});

test('set back by an hour: times go on, and are told by the new clock', () => {
  const { now, clock, pass } = machine();
  const before = clock.read();
  pass(5000);
  now.wall -= 3_600_000;
  const after = clock.read();
  assert.deepEqual(after, [AT + 5, 0]);
  assert.deepEqual(
    clock.steps.map(({ byMs }) => byMs),
    [3_600_000],
  );
  assert.deepEqual(clock.told(before, after), { start: [AT - 3600, 0], time: [AT - 3595, 0] });
  pass(7);
  const later = clock.read();
  assert.deepEqual(clock.told(after, later), { start: [AT - 3595, 0], time: [AT - 3595, 7_000_000] });
  assert.deepEqual(clock.steps.length, 1);
});

test('what began long before a step keeps its start; what would lie ahead goes back with the clock', () => {
  const { now, clock, pass } = machine();
  pass(7_200_000);
  const recent = clock.read();
  pass(1000);
  now.wall -= 3_600_000;
  clock.read();
  assert.deepEqual(clock.created(clock.origin), clock.origin);
  const told = clock.created(recent);
  assert.deepEqual(told, [AT + 3600, 0]);
  assert.equal(clock.created(recent), told, 'the same array');
  // Both are from before, so that the start goes back though it is behind the clock.
  assert.deepEqual(clock.told(clock.origin, recent), { start: [AT - 3610, 0], time: [AT + 3600, 0] });
});

test('a step that the time since the last reading makes up for changes nothing', () => {
  const { now, clock, pass } = machine();
  const before = clock.read();
  pass(60_000);
  now.wall -= 30_000;
  const after = clock.read();
  assert.deepEqual(after, [AT + 30, 0]);
  assert.deepEqual(clock.told(before, after), { start: before, time: after });
  assert.deepEqual(clock.steps, []);
});

test('set back before the first reading', () => {
  const { now, clock } = machine();
  clock.began([AT, 5]);
  now.wall -= 3_600_000;
  const time = clock.read();
  const told = clock.told([AT, 5], time);
  assert.deepEqual(told.time, [AT - 3600, 0]);
  assert.ok(nanoseconds(told.start) < nanoseconds(told.time));
  assert.ok(nanoseconds(clock.created(clock.origin)) < nanoseconds(told.time));
});

test('set back and on and back: every start is before its time, and readings are told by the wall clock', () => {
  // A linear congruential generator, so that a failure comes again.
  let seed = 20_261_130;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed % below;
  };
  for (let run = 0; run < 200; run++) {
    const { now, clock, pass } = machine();
    const times = [clock.origin];
    for (let i = 0; i < 40; i++) {
      pass(random(4) === 0 ? 0 : random(5000));
      if (random(5) === 0) now.wall += random(7_200_000) - 3_600_000;
      const time = clock.read();
      assert.ok(nanoseconds(times.at(-1)!) < nanoseconds(time), 'it goes on');
      times.push(time);
      const told = clock.told(clock.origin, time).time;
      assert.ok(nanoseconds(told) / 1_000_000n === BigInt(now.wall), `run ${run}: ${told} at ${now.wall}`);
    }
    for (const [i, time] of times.entries()) {
      for (const start of times.slice(0, i)) {
        const told = clock.told(start, time);
        assert.ok(nanoseconds(told.start) < nanoseconds(told.time), `run ${run}: ${told.start} ${told.time}`);
      }
      if (i + 1 === times.length) continue;
      assert.ok(nanoseconds(clock.created(time)) / 1_000_000n <= BigInt(now.wall), `run ${run}`);
    }
  }
});
