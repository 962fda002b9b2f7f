import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from './counting.ts';
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
