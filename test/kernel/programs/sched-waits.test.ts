import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { testCgroup } from './cgroup.ts';
import { count } from './counting.ts';
import { hold } from './held.ts';
import { traceTask } from './traced-task.ts';

const latency = 'sched.runqueue.latency';
const byCgroup = 'sched.cgroup.runqueue.latency';
const offCpu = 'sched.off_cpu.duration';

/** /proc/PID/schedstat: nanoseconds of waiting, and how often it came to a CPU. */
function waits(pid: number) {
  const [, delay, runs] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').trim().split(' ').map(Number);
  return { delay: delay!, runs: runs! };
}

function switches(pid: number) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    voluntary: Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1]),
    involuntary: Number(/^nonvoluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1]),
  };
}

/** Processes on CPU 0, ended when disposed. */
class OnCpu0 implements AsyncDisposable {
  readonly #children: ChildProcess[] = [];

  start(...command: string[]): ChildProcess & { pid: number } {
    const child = spawn('taskset', ['--cpu-list', '0', ...command], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#children.push(child);
    return child as unknown as ChildProcess & { pid: number };
  }

  /** One that never sleeps, and has begun. */
  async spin(...prefix: string[]): Promise<number> {
    const child = this.start(...prefix, 'sh', '-c', 'echo; while :; do :; done');
    await once(child.stdout!, 'data');
    return child.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
  }
}

/** Gives back every line that it is sent; asleep whenever that is awaited. */
async function echoing(
  on: OnCpu0,
  ...prefix: string[]
): Promise<{ pid: number; echo(): Promise<void>; send(): void; back(): Promise<unknown> }> {
  const child = on.start(...prefix, 'cat');
  const send = () => void child.stdin!.write('x');
  const back = () => once(child.stdout!, 'data');
  const echo = async () => {
    send();
    await back();
    while (readFileSync(`/proc/${child.pid}/syscall`, 'utf8').startsWith('running')) await setImmediate();
  };
  await echo();
  return { pid: child.pid, echo, send, back };
}

test('waits by cgroup are those of its tasks, as the kernel traces them, and keep their name when it is gone', async () => {
  const cgroup = testCgroup('waits');
  let name = '';
  await using on = new OnCpu0();
  const { pid, echo } = await echoing(on);
  using sched = count('sched', { metrics: [byCgroup], constants: { only_tgid: pid } });
  using tracer = traceTask('by-cgroup', pid);
  const outside = waits(pid);
  for (let i = 0; i < 11; i++) await echo();
  const before = waits(pid);
  writeFileSync(cgroup.processes, String(pid));
  for (let i = 0; i < 23; i++) await echo();
  const after = waits(pid);

  const histograms = await sched.histograms(byCgroup);
  name = cgroup.path;
  const inside = histograms.get(name)!;
  assert.equal(inside.count, after.runs - before.runs);
  const traced = tracer.read().waits.slice(-inside.count);
  const sum = traced.reduce((total, wait) => total + wait, 0);
  assert.ok(isAsLong(inside.sum, sum, traced.length), `${inside.sum} s, ${sum} s by the trace`);
  const others = [...histograms].filter(([path]) => path !== name);
  assert.equal(others.length, 1);
  assert.match(others[0]![0], /^\/sys\/fs\/cgroup/);
  assert.equal(others[0]![1].count, before.runs - outside.runs);

  await on[Symbol.asyncDispose]();
  cgroup.remove();
  // It ran once more at least, to its end.
  assert.ok((await sched.histograms(byCgroup)).get(name)!.count > inside.count);
});

test('one that came and went before the first reading has its name', async () => {
  using sched = count('sched', { metrics: [byCgroup] });
  const cgroup = testCgroup('brief');
  const { status } = spawnSync('sh', ['-c', `echo $$ > ${cgroup.processes} && sleep 0.01`]);
  assert.equal(status, 0);
  cgroup.remove();
  const found = await sched.histograms(byCgroup);
  const { count: runs } = found.get(cgroup.path)!;
  assert.ok(runs > 0);
});

/** Seconds. To the microsecond that the trace tells, and the one or two that its hook and ours are apart; or a bucket. */
function isAsLong(wait: number, traced: number, waits: number): boolean {
  return Math.abs(wait - traced) <= 2e-6 * waits || Math.max(wait, traced) <= 2 * Math.min(wait, traced);
}

for (const [what, { prefix, spinner }] of Object.entries({
  'is woken on an idle CPU': { prefix: [], spinner: undefined },
  'takes turns with another': { prefix: [], spinner: [] },
  'preempts another at once': { prefix: ['chrt', '--fifo', '50'], spinner: [] },
  'waits for one of a higher priority': { prefix: [], spinner: ['nice', '-n', '-5'] },
})) {
  test(`each wait of a task that ${what} is as long as the kernel's own tracer says`, async () => {
    await using on = new OnCpu0();
    if (spinner) await on.spin(...spinner);
    const { pid, echo } = await echoing(on, ...prefix);
    let told: Wait[] = [];
    let traced: readonly number[] = [];
    let lost = 1;
    // Where a sandbox's kernel hides a switch from all tracers, the lists don't begin together.
    for (let i = 0; i < 10 && lost > 0; i++) ({ told, traced, lost } = await measure(pid, echo));
    assert.equal(lost, 0);
    assert.equal(
      told.reduce((sum, { count }) => sum + count, 0),
      traced.length,
    );
    let place = 0;
    const different = told.filter(({ count, sum }) => {
      const theirs = traced.slice(place, place + count).reduce((total, wait) => total + wait, 0);
      place += count;
      return !isAsLong(sum, theirs, count);
    });
    // Between the tracer's hook and ours a hypervisor may take the CPU away, on a busy machine now and then.
    assert.ok(different.length <= 10, JSON.stringify({ different, traced }));
  });
}

/** Waits that were counted between two readings, and their sum in seconds. */
interface Wait {
  readonly count: number;
  readonly sum: number;
}

async function measure(pid: number, echo: () => Promise<void>) {
  const lostName = 'sched.runqueue.latency.lost';
  using sched = count('sched', { metrics: [latency, lostName], constants: { only_tgid: pid } });
  using tracer = traceTask('waits', pid);
  const told: Wait[] = [];
  let before: Wait = { count: 0, sum: 0 };
  for (let i = 0; i < 101; i++) {
    await echo();
    const now = (await sched.histograms(latency)).get('')!;
    told.push({ count: now.count - before.count, sum: now.sum - before.sum });
    before = now;
  }
  const [lost] = (await sched.numbers(lostName)).values();
  return { told, traced: tracer.read().waits, lost: lost! };
}

test('the approximate way has the figures of schedstat, and none that the exact one has not', async () => {
  await using on = new OnCpu0();
  await on.spin();
  const { pid, echo } = await echoing(on);
  const options = { metrics: [latency], constants: { only_tgid: pid } };
  using approximate = count('sched', { ...options, ways: { runqueue_latency: 'approximate' } });
  using exact = count('sched', options);
  assert.deepEqual(
    [approximate.ways.get('runqueue_latency'), exact.ways.get('runqueue_latency')],
    ['approximate', 'exact'],
  );
  const before = waits(pid);
  for (let i = 0; i < 101; i++) await echo();
  const after = waits(pid);
  const [kernel, own] = [(await approximate.histograms(latency)).get('')!, (await exact.histograms(latency)).get('')!];
  assert.equal(kernel.count, after.runs - before.runs);
  assert.equal(Math.round(kernel.sum * 1e9), after.delay - before.delay);
  assert.equal(own.count, kernel.count);
});

test('a wait that ends on another CPU is whole, and by the approximate way only the rest of it', async () => {
  let waited = 0;
  let sums = { kernel: 0, own: 0 };
  // A machine that is slow to move it may let it run before: no task is kept waiting by higher priority for ever.
  for (let i = 0; i < 10 && (i === 0 || sums.kernel > sums.own - waited); i++) {
    await using on = new OnCpu0();
    const { pid, send, back } = await echoing(on);
    const options = { metrics: [latency], constants: { only_tgid: pid } };
    using kernel = count('sched', { ...options, ways: { runqueue_latency: 'approximate' } });
    using own = count('sched', options);
    const mover = hold('exec taskset --cpu-list --pid 1 "$1"', [String(pid)]);
    await on.spin('chrt', '--fifo', '50');
    send();
    const begin = performance.now();
    while (performance.now() - begin < 20);
    waited = (performance.now() - begin) / 1000;
    await Promise.all([back(), mover.run()]);
    const [ofKernel, ofOwn] = [(await kernel.histograms(latency)).get('')!, (await own.histograms(latency)).get('')!];
    assert.equal(ofOwn.count, ofKernel.count);
    assert.ok(ofOwn.sum >= waited, `${ofOwn.sum} s of ${waited} s`);
    sums = { kernel: ofKernel.sum, own: ofOwn.sum };
  }
  assert.ok(sums.kernel <= sums.own - waited, `${sums.kernel} s by the kernel, ${sums.own} s`);
});

test('times off a CPU are as many as the task came back, by what it left for', async () => {
  await using on = new OnCpu0();
  await on.spin();
  const { pid, echo } = await echoing(on);
  using sched = count('sched', { metrics: [offCpu, 'sched.off_cpu.lost'], constants: { only_tgid: pid } });
  assert.deepEqual(sched.attached, ['sched_switch']);
  const before = switches(pid);
  const start = performance.now();
  for (let i = 0; i < 101; i++) await echo();
  const elapsed = (performance.now() - start) / 1000;
  const after = switches(pid);
  const found = await sched.histograms(offCpu);
  // The last time that it left it has not come back from.
  assert.equal(found.get('voluntary')!.count, after.voluntary - before.voluntary - 1);
  assert.equal(found.get('involuntary')?.count ?? 0, after.involuntary - before.involuntary);
  assert.ok(after.voluntary - before.voluntary >= 101);
  const sum = [...found.values()].reduce((total, { sum }) => total + sum, 0);
  assert.ok(sum > 0 && sum < elapsed, `${sum} s of ${elapsed} s`);
  assert.deepEqual(await sched.numbers('sched.off_cpu.lost'), new Map([['', 0]]));
});

test('a sleep is off the CPU for as long as it is', async () => {
  const child = spawn('sh', ['-c', 'read x; sleep 0.05; read x'], { stdio: ['pipe', 'ignore', 'inherit'] });
  const exited = once(child, 'exit');
  using sched = count('sched', { metrics: [offCpu] });
  child.stdin.write('\n');
  child.stdin.end('\n');
  await exited;
  const { bounds, slots } = (await sched.histograms(offCpu)).get('voluntary')!;
  const long = slots.filter((_, slot) => slot >= bounds.findIndex((bound) => bound >= 0.05));
  assert.ok(long.reduce((a, b) => a + b) > 0);
});

test('the length of a run queue is how many wait while another runs, by CPU', async () => {
  await using on = new OnCpu0();
  for (let i = 0; i < 7; i++) await on.spin();
  using sched = count('sched', { metrics: ['sched.runqueue.length'] });
  assert.deepEqual(sched.attached, ['sample_runqueue']);
  let lengths: Awaited<ReturnType<typeof sched.histograms>>;
  // What else the machine has to do there may wait too, at times.
  do {
    await setImmediate();
    lengths = await sched.histograms('sched.runqueue.length');
  } while (lengths.get('0')!.slots[6]! < 3);
  const { bounds, slots, count: samples, sum } = lengths.get('0')!;
  assert.deepEqual([...bounds.slice(0, 3), bounds.length], [0, 1, 2, 33]);
  assert.deepEqual(slots.slice(0, 6), [0, 0, 0, 0, 0, 0]);
  assert.ok(sum >= samples * 6);
  assert.deepEqual(
    [...lengths.keys()].toSorted(),
    cpus()
      .map((_, cpu) => String(cpu))
      .toSorted(),
  );
});
