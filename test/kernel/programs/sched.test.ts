import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { count } from './counting.ts';
import { betweenStops } from './stopping.ts';

/** What the kernel says of a process of one thread (/proc/PID/status, proc_pid_schedstat). */
function scheduling(pid: number) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [ran, delay, runs] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').trim().split(' ').map(Number);
  return {
    voluntary: Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1]),
    involuntary: Number(/^nonvoluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1]),
    ran: ran!,
    delay: delay!,
    runs: runs!,
  };
}

/** Waits until the process has left its CPU: proc_pid_syscall is `running` as long as it hasn't. */
async function asleep(pid: number): Promise<void> {
  while (readFileSync(`/proc/${pid}/syscall`, 'utf8').startsWith('running')) await setImmediate();
}

test('run-queue latency and context switches of a process are those that the kernel keeps', async () => {
  // A task that moves to another CPU while it waits starts to wait anew, so it stays on one.
  const child = spawn('taskset', ['--cpu-list', '0', 'cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const pid = child.pid!;
  const exited = once(child, 'exit');
  const echo = async () => {
    child.stdin.write('x');
    await once(child.stdout, 'data');
  };
  await echo();
  await asleep(pid);
  const before = scheduling(pid);
  using sched = count('sched', { constants: { only_tgid: pid } });
  const start = performance.now();
  for (let i = 0; i < 101; i++) await echo();
  await asleep(pid);
  const elapsed = (performance.now() - start) / 1000;
  const after = scheduling(pid);
  const latency = (await sched.histograms('sched.runqueue.latency')).get('')!;
  const onCpu = (await sched.histograms('sched.on_cpu.duration')).get('')!;
  const switches = await sched.numbers('sched.context_switches');
  child.stdin.end();
  await exited;

  assert.ok(after.runs > before.runs);
  assert.equal(latency.count, after.runs - before.runs);
  assert.equal(Math.round(latency.sum * 1e9), after.delay - before.delay);
  assert.equal(onCpu.count, after.runs - before.runs);
  // The kernel's figure is without interrupts where it keeps those apart.
  const ran = after.ran - before.ran;
  assert.ok(ran > 0 && onCpu.sum * 1e9 >= ran * 0.99, `${onCpu.sum * 1e9} ns of ${ran} ns`);
  assert.ok(onCpu.sum < elapsed, `${onCpu.sum} s of ${elapsed} s`);
  assert.equal(switches.get('voluntary') ?? 0, after.voluntary - before.voluntary);
  assert.equal(switches.get('involuntary') ?? 0, after.involuntary - before.involuntary);
  assert.equal(switches.has('idle'), false);
});

test('each metric alone is counted by the one hook', async () => {
  for (const metric of ['sched.runqueue.latency', 'sched.on_cpu.duration', 'sched.context_switches']) {
    using sched = count('sched', { metrics: [metric] });
    assert.deepEqual(sched.attached, ['sched_switch']);
  }
});

test('moves from one CPU to another are counted', async () => {
  const migrations = await betweenStops(
    'migrate',
    101,
    (pid) => count('sched', { constants: { only_tgid: pid }, metrics: ['sched.migrations'] }),
    async (sched) => {
      assert.deepEqual(sched.attached, ['sched_migrate_task']);
      return sched.numbers('sched.migrations');
    },
  );
  assert.ok(availableParallelism() > 1, 'there must be two CPUs to move between');
  assert.deepEqual(migrations, new Map([['', 101]]));
});

test('all context switches of the machine are as many as the kernel counts', async () => {
  const switched = () => Number(/^ctxt (\d+)/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]);
  const outerFirst = switched();
  using sched = count('sched', { metrics: ['sched.context_switches'] });
  const total = async () => [...(await sched.numbers('sched.context_switches')).values()].reduce((a, b) => a + b, 0);
  const first = await total();
  const innerFirst = switched();
  for (let i = 0; i < 101; i++) await setImmediate();
  const innerLast = switched();
  const last = await total();
  const outerLast = switched();
  assert.ok(last - first >= innerLast - innerFirst);
  assert.ok(last <= outerLast - outerFirst);
});
