import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { PerfGroups } from '../../../src/programs/without-c/perf-groups.ts';
import { onlineCpus } from '../../helpers/online-cpus.ts';

/** cpu-clock and page-faults. */
const events = [
  { type: 1, config: 0n },
  { type: 1, config: 2n },
];

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Enabled and running time, and the counts, of a CPU that is there. */
function read(groups: PerfGroups, cpu: number): bigint[] {
  return [...groups.read(cpu)!].slice(1);
}

test('a group has as many counts as events, which stand still until it is enabled', () => {
  const files = openFiles();
  const opened: [number, number][] = [];
  using groups = new PerfGroups('test', events, (cpu, fds) => opened.push([cpu, fds.length]), { cpus: [0] });
  assert.deepEqual(opened, [[0, 2]]);
  assert.equal(openFiles(), files + 2);
  assert.deepEqual(read(groups, 0), [0n, 0n, 0n, 0n]);
  groups.enable();
  const [enabled, running, clock] = read(groups, 0);
  assert.ok(clock! > 0n && running! > 0n);
  assert.equal(enabled, running);
  assert.equal(groups.read(1), undefined);
  groups[Symbol.dispose]();
  assert.equal(openFiles(), files);
});

test('a CPU that is there goes on being counted, whatever is followed', () => {
  const opened: number[] = [];
  using groups = new PerfGroups('test', events, (cpu) => opened.push(cpu), { cpus: [0] });
  groups.enable();
  const first = read(groups, 0)[2]!;
  for (let time = 0; time < 3; time++) groups.followCpus();
  assert.deepEqual([opened, groups.cpus], [[0], [0]]);
  assert.ok(read(groups, 0)[2]! > first);
});

test('all possible CPUs are opened, but those that are offline', () => {
  using groups = new PerfGroups('test', events, () => {});
  assert.deepEqual(groups.cpus, onlineCpus().numbers);
});

test('only the CPUs that count for others are opened', () => {
  using groups = new PerfGroups('test', events, () => {}, { cpus: [0, 7000] });
  assert.deepEqual(groups.cpus, [0]);
});

test('what fails leaves no file open', () => {
  const files = openFiles();
  const wrong = [...events, { type: 1, config: 9999n }];
  assert.throws(() => new PerfGroups('test', wrong, () => {}, { cpus: [0] }), {
    code: 'attach',
    message: /^test: CPU 0: (ENOENT|EINVAL)/,
  });
  assert.equal(openFiles(), files);
});
