import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { count } from './counting.ts';
import { noFunctions } from './file-system.ts';
import { hold } from './held.ts';

test("forks, execs and exits of a process's children are counted, exits by how they ended", async () => {
  const script = `
    repeat() { n=$1; shift; while [ $n -gt 0 ]; do "$@"; n=$((n - 1)); done; }
    killed() { sh -c 'kill -KILL $$'; }
    subshell() { (exit 0); }
    repeat 7 /bin/true
    repeat 5 /bin/false
    repeat 3 killed
    repeat 2 subshell
    exit 0`;
  const held = hold(`{ ${script}\n} 2>/dev/null`);
  using processes = count('process', { constants: { only_parent: held.pid } });
  await held.run();
  assert.equal((await processes.numbers('process.forks')).get(''), 17);
  assert.equal((await processes.numbers('process.execs')).get(''), 15);
  assert.deepEqual(
    await processes.numbers('process.exits'),
    new Map([
      ['success', 9],
      ['error', 5],
      ['signal', 3],
    ]),
  );
});

test('processes are counted by how long they lived, from their creation', async () => {
  // What is created before and becomes another program is still the same process.
  const held = hold(
    'for name in 1 2 3 4 5; do sh -c "exec sleep 0.03"; done; for name in 1 2 3; do /bin/false; done; exit 0',
  );
  using processes = count('process', { constants: { only_parent: held.pid }, metrics: ['process.lifetime'] });
  assert.deepEqual(processes.attached, ['sched_process_exit']);
  const start = performance.now();
  await held.run();
  const elapsed = (performance.now() - start) / 1000;
  const lifetimes = await processes.histograms('process.lifetime');
  assert.deepEqual([...lifetimes.keys()], ['success', 'error']);
  const slept = lifetimes.get('success')!;
  assert.equal(slept.count, 5);
  assert.ok(slept.sum >= 5 * 0.03 && slept.sum < elapsed, `${slept.sum} s`);
  // Bounds are 1, 2, 4, … ms.
  assert.equal(
    slept.slots.slice(0, slept.bounds.indexOf(0.016) + 1).reduce((a, b) => a + b),
    0,
  );
  const failed = lifetimes.get('error')!;
  assert.equal(failed.count, 3);
  assert.ok(failed.sum > 0 && failed.sum < elapsed, `${failed.sum} s`);
});

test('a process of several threads is one', async () => {
  const held = hold('"$@"; exit 0', [process.execPath, '--eval', 'process.exitCode = 23']);
  using processes = count('process', { constants: { only_parent: held.pid } });
  await held.run();
  assert.equal((await processes.numbers('process.forks')).get(''), 1);
  assert.equal((await processes.numbers('process.execs')).get(''), 1);
  assert.deepEqual(await processes.numbers('process.exits'), new Map([['error', 1]]));
});

test('each metric has a hook of its own', () => {
  using execs = count('process', { metrics: ['process.execs'] });
  assert.deepEqual(execs.attached, ['sched_process_exec']);
  using forks = count('process', { metrics: ['process.forks'] });
  assert.deepEqual(forks.attached, ['sched_process_fork']);
  using exits = count('process', { metrics: ['process.exits'] });
  assert.deepEqual(exits.attached, ['sched_process_exit']);
});

test('execs take the time from the call until the new program is there', { skip: noFunctions }, async () => {
  const held = hold(
    'for name in 1 2 3 4 5 6 7; do /bin/true; done; for name in 1 2 3; do /nowhere/true; done 2>&-; exit 0',
  );
  const metrics = ['process.exec.latency', 'process.exec.unmatched', 'process.execs'];
  using processes = count('process', { constants: { only_parent: held.pid }, metrics });
  const start = performance.now();
  await held.run();
  const elapsed = (performance.now() - start) / 1000;
  const latency = (await processes.histograms('process.exec.latency')).get('')!;
  assert.equal(latency.count, 7);
  assert.ok(latency.sum > 0 && latency.sum < elapsed, `${latency.sum} s of ${elapsed} s`);
  assert.deepEqual(await processes.numbers('process.exec.unmatched'), new Map([['', 0]]));
  assert.deepEqual(await processes.numbers('process.execs'), new Map([['', 7]]));
});

test('an exec of the kernel has no latency, not that of a failed one whose task was in the same memory', {
  skip: noFunctions,
}, async () => {
  using processes = count('process', { metrics: ['process.exec.latency', 'process.exec.unmatched'] });
  const helpers = 23;
  for (let i = 0; i < helpers; i++) {
    // Tasks that end after an exec that failed, and the kernel's call of modprobe in a task of its own.
    await hold('for name in 1 2 3 4 5 6 7; do /nowhere/true; done 2>&-; exit 0').run();
    // A name with `no` in front would be any type but that to mount(8).
    assert.throws(() => execFileSync('mount', ['-t', `absent${i}`, 'none', '/mnt'], { stdio: 'ignore' }));
  }
  const unmatched = (await processes.numbers('process.exec.unmatched')).get('')!;
  assert.ok(unmatched >= helpers, `${unmatched}`);
});
