import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { count } from './counting.ts';
import { betweenStops } from './stopping.ts';
import { traceTask } from './traced-task.ts';

/** What the kernel says of a thread: `PID`, or `PID/task/TID` (/proc/PID/status). */
function switchesOf(pid: number | string) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    voluntary: Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1]),
    involuntary: Number(/^nonvoluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1]),
  };
}

/** Waits until the process has left its CPU: proc_pid_syscall is `running` as long as it hasn't. */
async function asleep(pid: number): Promise<void> {
  while (readFileSync(`/proc/${pid}/syscall`, 'utf8').startsWith('running')) await setImmediate();
}

test('times on a CPU and context switches of a process are those that the kernel traces and keeps', async () => {
  const child = spawn('taskset', ['--cpu-list', '0', 'cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const pid = child.pid!;
  const exited = once(child, 'exit');
  const echo = async () => {
    child.stdin.write('x');
    await once(child.stdout, 'data');
  };
  await echo();
  await asleep(pid);
  const before = switchesOf(pid);
  using sched = count('sched', { constants: { only_tgid: pid } });
  using tracer = traceTask('on-cpu', pid);
  for (let i = 0; i < 101; i++) await echo();
  await asleep(pid);
  const after = switchesOf(pid);
  const { runs } = tracer.read();
  const onCpu = (await sched.histograms('sched.on_cpu.duration')).get('')!;
  const switches = await sched.numbers('sched.context_switches');
  child.stdin.end();
  await exited;

  assert.ok(runs.length >= 101);
  assert.equal(onCpu.count, runs.length);
  const traced = runs.reduce((total, run) => total + run, 0);
  const difference = Math.abs(onCpu.sum - traced) / runs.length;
  assert.ok(difference <= Math.max(2e-6, (0.5 * traced) / runs.length), `${onCpu.sum} s, ${traced} s`);
  assert.equal(switches.get('voluntary') ?? 0, after.voluntary - before.voluntary);
  assert.equal(switches.get('involuntary') ?? 0, after.involuntary - before.involuntary);
  assert.equal(switches.has('idle'), false);
});

test('each metric alone is counted by the hooks that it needs', async () => {
  const attached = (metric: string, ways = {}) => {
    using sched = count('sched', { metrics: [metric], ways });
    return sched.attached;
  };
  const latency = 'sched.runqueue.latency';
  // The switch first: else a task could be queued whose coming to a CPU nobody sees.
  assert.deepEqual(attached(latency), ['sched_switch', 'sched_wakeup', 'sched_wakeup_new']);
  assert.deepEqual(attached(latency, { runqueue_latency: 'approximate' }), ['sched_switch']);
  assert.deepEqual(attached('sched.on_cpu.duration'), ['sched_switch']);
  assert.deepEqual(attached('sched.context_switches'), ['sched_switch']);
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
  const untracedFirst = untraced();
  const first = await total();
  const innerFirst = switched();
  for (let i = 0; i < 101; i++) await setImmediate();
  const innerLast = switched();
  const last = await total();
  const untracedLast = untraced();
  const outerLast = switched();
  assert.ok(last - first >= innerLast - innerFirst - (untracedLast - untracedFirst));
  assert.ok(last <= outerLast - outerFirst);
});

/**
 * Switches away from the machine's first process. Some sandboxes' kernels run no tracepoint, whoever's, while it is the
 * current one; elsewhere it hardly ever runs.
 */
function untraced(): number {
  return readdirSync('/proc/1/task').reduce((sum, thread) => {
    const { voluntary, involuntary } = switchesOf(`1/task/${thread}`);
    return sum + voluntary + involuntary;
  }, 0);
}
