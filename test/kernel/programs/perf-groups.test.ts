import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { PerfGroups } from '../../../src/programs/generic/perf-groups.ts';

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
  using groups = new PerfGroups('test', events, (cpu, fds) => opened.push([cpu, fds.length]), { online: () => '0\n' });
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

test('CPUs that come are counted from then, those that go are let go, and begin anew', () => {
  const files = openFiles();
  let online = '0\n';
  const opened: number[] = [];
  using groups = new PerfGroups('test', events, (cpu) => opened.push(cpu), { online: () => online });
  groups.enable();
  groups.followCpus();
  assert.deepEqual([opened, groups.cpus], [[0], [0]]);

  // This one is there on every machine, so it stands for one that comes and goes.
  online = '0-0\n';
  groups.followCpus();
  assert.deepEqual(opened, [0], 'the same CPU in other words');
  const before = read(groups, 0)[2]!;
  online = '1023\n';
  assert.throws(() => groups.followCpus(), { code: 'attach', message: /^test: CPU 1023: (EINVAL|ENODEV)/ });
  assert.deepEqual([groups.cpus, openFiles()], [[], files]);
  online = '0\n';
  groups.followCpus();
  assert.deepEqual([opened, groups.cpus], [[0, 0], [0]]);
  const after = read(groups, 0)[2]!;
  assert.ok(after > 0n && after < before + 1_000_000_000n);
});

test('only the CPUs that count for others are opened', () => {
  using groups = new PerfGroups('test', events, () => {}, { cpus: [0, 7], online: () => '0-1\n' });
  assert.deepEqual(groups.cpus, [0]);
});

test('what fails leaves no file open', () => {
  const files = openFiles();
  const wrong = [...events, { type: 1, config: 9999n }];
  assert.throws(() => new PerfGroups('test', wrong, () => {}, { online: () => '0\n' }), {
    code: 'attach',
    message: /^test: CPU 0: (ENOENT|EINVAL)/,
  });
  assert.equal(openFiles(), files);
});
