import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { HrTime } from '@opentelemetry/api';
import { readingLog } from '../../src/exporter/reading-log.ts';
import { Log } from '../../src/log.ts';
import type { ClockStep } from '../../src/metrics/clock.ts';
import type { FillLevel } from '../../src/metrics/map-cache.ts';
import { Tallies } from '../../src/metrics/tallies.ts';

const NOW: HrTime = [1_700_000_000, 0];

function setUp(levels: (FillLevel & { program: string })[] = [], tallies = new Tallies()) {
  const entries: string[] = [];
  const steps: ClockStep[] = [];
  const log = new Log({ level: 'info', format: 'json', write: (text) => entries.push(JSON.parse(text).message) });
  const note = readingLog(log, { fillLevels: () => levels }, tallies, { steps });
  const read = (errors: Error[] = []) => note({ sequence: 1, time: NOW, tables: [], durationMs: 0, errors });
  return { entries, steps, read };
}

it('a map that cannot be read is logged when that begins and when it ends', () => {
  const { entries, read } = setUp();
  const [one, two] = [new Error('map one: EPERM'), new Error('map two: EPERM')];
  for (const errors of [[], [one], [one], [one, two], [two], [], [], [one]]) read(errors);
  assert.deepEqual(entries, [
    'map one: EPERM',
    'map two: EPERM',
    'no longer: map one: EPERM',
    'no longer: map two: EPERM',
    'map one: EPERM',
  ]);
});

it('a map that is full and drops new keys is logged once', () => {
  const level = { program: 'timer', map: 'timer_starts', entries: 4, capacity: 4, isDropping: false };
  const levels = [level];
  const { entries, read } = setUp(levels);
  read();
  assert.deepEqual(entries, [], 'an LRU map or an array may be full');
  levels[0] = { ...level, isDropping: true };
  read();
  read();
  assert.deepEqual(entries, ['timer: map "timer_starts": full with 4 entries: events of further keys are not in it']);
});

it('events that a map without C has missed are logged once', () => {
  const entries: string[] = [];
  const log = new Log({ level: 'info', format: 'json', write: (text) => entries.push(JSON.parse(text).message) });
  const losses = [{ program: 'vfs', map: 'calls', reason: 'nested', count: 0 }];
  const note = readingLog(log, { fillLevels: () => [] }, new Tallies(), { steps: [] }, () => losses);
  const read = () => note({ sequence: 1, time: NOW, tables: [], durationMs: 0, errors: [] });
  read();
  assert.deepEqual(entries, []);
  for (const count of [1, 2]) {
    losses[0]!.count = count;
    read();
  }
  assert.deepEqual(entries, ['vfs: map "calls": events are missing in it (nested), see ebpf_meter.map.lost']);
});

it('that the clock was set back is logged each time', () => {
  const { entries, steps, read } = setUp();
  read();
  steps.push({ at: NOW, wall: NOW, byMs: 3_600_000 });
  read();
  read();
  steps.push({ at: NOW, wall: NOW, byMs: 1500 }, { at: NOW, wall: NOW, byMs: 1 });
  read();
  const text = (seconds: number) =>
    `the clock was set back by ${seconds} s: what began later than it says now is said to have begun earlier`;
  assert.deepEqual(entries, [text(3600), text(1.5), text(0.001)]);
});

it('a label that cannot be decoded is logged once, however many keys have it', () => {
  const tallies = new Tallies();
  const { entries, read } = setUp([], tallies);
  tallies.decodeError('timer', 'timer_starts', 'function');
  read();
  tallies.decodeError('timer', 'timer_starts', 'function');
  read();
  assert.deepEqual(entries, [
    'timer: map "timer_starts": label "function": can\'t be decoded from some keys, which are left out',
  ]);
});
