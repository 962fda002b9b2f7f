import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { buildLoad } from '../../../bench/kernel/build.ts';
import { count } from './counting.ts';

const load = buildLoad();

/** Waits until the process has stopped: its state in proc_pid_stat is T. */
async function stopped(pid: number): Promise<void> {
  while (!/\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await setImmediate();
}

test('flushes of a process are counted by reason', async () => {
  const child = spawn(load, ['protect', '101', 'stop'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'exit');
  const pid = child.pid!;
  await stopped(pid);
  using tlb = count('tlb', { constants: { only_tgid: pid } });
  child.kill('SIGCONT');
  await stopped(pid);
  const flushes = await tlb.numbers('tlb.flushes');
  child.kill('SIGCONT');
  await exited;
  // Taking the right away is one, giving it back another.
  assert.equal(flushes.get('local_mm_shootdown'), 202);
});
