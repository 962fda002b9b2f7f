import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { hasPmu } from '../../../src/kernel/pmu.ts';
import type { MapReaders } from '../../../src/maps/reading.ts';
import type { RunningProgram } from '../../../src/programs/running.ts';
import { startProgram } from '../../../src/programs/start.ts';
import { onlineCpus } from '../../helpers/online-cpus.ts';
import { testCgroup } from './cgroup.ts';
import { planOf, readCounts } from './counting.ts';
import { betweenStops } from './stopping.ts';

interface Described {
  readonly events: readonly string[];
  readonly by?: string;
  readonly limit?: number;
}

/** A program with a map of these perf events, each a metric called as its event. */
function start(maps: Readonly<Record<string, Described>>): RunningProgram {
  const nameOf = (event: string) => /name=(\w+)/.exec(event)?.[1] ?? event;
  const described = Object.entries(maps).map(([name, { events, ...options }]) => [
    name,
    { perf_events: events, ...options },
  ]);
  const counters = Object.entries(maps).flatMap(([map, { events }]) =>
    events.map(nameOf).map((field) => ({ name: `${map}.${field.replaceAll(/[^\w-]/g, '_')}`, map, field })),
  );
  const yaml = JSON.stringify({ maps: Object.fromEntries(described), metrics: { counters } });
  const running = startProgram(planOf(yaml), undefined);
  for (const { error } of running.attached) if (error !== undefined) throw error;
  return running;
}

/** All keys' values of a map, event by event. */
function totals(readers: MapReaders, map: string): bigint[] {
  const { valueSize, read } = readers.entries(map);
  const { count, values } = read();
  const words = new BigUint64Array(values.buffer, values.byteOffset, (count * valueSize) / 8);
  const sums = Array.from({ length: valueSize / 8 }, () => 0n);
  for (const [index, word] of words.entries()) sums[index % sums.length]! += word;
  return sums;
}

function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

test('page faults of a process that touches a prime number of pages', async () => {
  const counted = await betweenStops(
    'pages',
    997,
    () => {
      const running = start({ faults: { events: ['page-faults', 'minor-faults'], by: 'process.name' } });
      return { counting: readCounts(running.plan, running), [Symbol.dispose]: () => running[Symbol.dispose]() };
    },
    async ({ counting }) => {
      const faults = await counting.numbers('faults.page-faults');
      const minor = await counting.numbers('faults.minor-faults');
      return [faults.get('pages'), minor.get('pages')];
    },
  );
  assert.deepEqual(counted, [997, 997]);
});

test('a cgroup has what its processes count, and is forgotten some time after it is gone', async () => {
  using cgroup = testCgroup('faults');
  using running = start({ faults: { events: ['page-faults'], by: 'cgroup' } });
  const counting = readCounts(running.plan, running);
  const counted = await betweenStops(
    'pages',
    991,
    (pid) => {
      writeFileSync(cgroup.processes, String(pid));
      return { [Symbol.dispose]() {} };
    },
    async () => (await counting.numbers('faults.page-faults')).get(cgroup.path),
  );
  assert.equal(counted, 991);
  assert.deepEqual(running.plan.tables[0]!.source, {
    kind: 'entries',
    map: 'faults',
    perCpu: 'no',
    cache: undefined,
    expire: { offset: 0 },
  });
  const { read, remove } = running.readers.entries('faults');
  const key = new Uint8Array(16);
  new DataView(key.buffer).setBigUint64(0, cgroup.id, true);
  const entries = read().count;
  remove!(key);
  assert.equal(read().count, entries - 1);
});

test('what names and cgroups count is together what the CPUs count, running tasks included', () => {
  const events = ['cpu-clock', 'context-switches', 'page-faults', 'cpu-migrations'];
  using running = start({
    cpu: { events },
    name: { events, by: 'process.name' },
    cgroup: { events, by: 'cgroup' },
  });
  const { readers } = running;
  // The CPUs are read before and after, so what others do meanwhile leaves room, and nothing else does.
  const bracket = () => {
    const before = totals(readers, 'cpu');
    const name = totals(readers, 'name');
    const cgroup = totals(readers, 'cgroup');
    return { before, name, cgroup, after: totals(readers, 'cpu') };
  };
  const first = bracket();
  spin(1000);
  const second = bracket();
  for (const by of ['name', 'cgroup'] as const) {
    for (const [index, event] of events.entries()) {
      const counted = second[by][index]! - first[by][index]!;
      const least = second.before[index]! - first.after[index]!;
      const most = second.after[index]! - first.before[index]!;
      assert.ok(counted >= least && counted <= most, `${by}: ${event}: ${counted} is not in ${least} … ${most}`);
    }
  }
  const clock = Number(second.before[0]! - first.after[0]!) / onlineCpus().count;
  assert.ok(clock > 0.9e9, `a CPU's clock counts nanoseconds, also where it is idle: ${clock} in a second`);
});

test('a task that has run since the last reading, without leaving its CPU, is in the next', () => {
  using running = start({ name: { events: ['cpu-clock'], by: 'process.name' } });
  const name = readFileSync('/proc/thread-self/comm', 'latin1').trim();
  const reader = running.readers.entries('name');
  const clockOfThread = () => {
    const { count, keys, values } = reader.read();
    for (let entry = 0; entry < count; entry++) {
      const key = Buffer.from(keys.buffer, keys.byteOffset + entry * 16, 16)
        .toString('latin1')
        .replace(/\0.*$/s, '');
      if (key === name) return new BigUint64Array(values.buffer, values.byteOffset + entry * 8, 1)[0]!;
    }
    return 0n;
  };
  let alone = 0;
  for (let round = 0; round < 1000 && alone < 5; round++) {
    const switches = switchesOfThread();
    const before = clockOfThread();
    spin(1);
    const used = clockOfThread() - before;
    if (switchesOfThread() !== switches) continue;
    alone++;
    // The two clocks differ by what the kernel corrects in one of them.
    assert.ok(used >= 999_000n, `${used} ns of at least 1 ms`);
  }
  assert.equal(alone, 5);
});

function switchesOfThread(): string {
  return /^voluntary_ctxt_switches:.*\n.*$/m.exec(readFileSync('/proc/thread-self/status', 'latin1'))![0];
}

test('what finds no place in a full map is counted as lost', () => {
  using running = start({ name: { events: ['context-switches'], by: 'process.name', limit: 1 } });
  const { read } = running.readers.entries('name');
  read();
  spin(50);
  assert.equal(read().count, 1);
  const [full, unread] = [...running.losses()];
  assert.deepEqual([full!.map, full!.reason, unread!.reason], ['name', 'map_full', 'cpu_new']);
  assert.ok(full!.count > 0);
  assert.equal(unread!.count, 0);
});

test('an event that no enabled metric reads takes no counter', () => {
  const plan = planOf(
    JSON.stringify({
      maps: { cpu: { perf_events: ['nothing/event=1/', 'page-faults', 'cpu-clock'] } },
      metrics: { counters: [{ name: 'clock', map: 'cpu', field: 'cpu-clock' }] },
    }),
  );
  const files = readdirSync('/proc/self/fd').length;
  using running = startProgram(plan, undefined);
  assert.deepEqual(running.absent, []);
  assert.equal(readdirSync('/proc/self/fd').length - files, onlineCpus().count);
  const [ignored, faults, clock] = totals(running.readers, 'cpu');
  assert.deepEqual([ignored, faults], [0n, 0n]);
  assert.ok(clock! > 0n);
});

test('an event that nothing counts here costs only its metric', async () => {
  using running = start({ cpu: { events: ['page-faults', 'nothing/event=1,name=hard/', 'sched:no_such_tracepoint'] } });
  const counting = readCounts(running.plan, running);
  assert.equal((await counting.numbers('cpu.page-faults')).size, onlineCpus().count);
  assert.deepEqual(
    running.absent.map(({ level, metrics }) => [level, metrics]),
    [
      ['info', ['cpu.hard']],
      ['warn', ['cpu.sched_no_such_tracepoint']],
    ],
  );
  await assert.rejects(counting.numbers('cpu.hard'), /has no metric/);
});

test("a unit's own event: the processor's time stamp counter, which needs no PMU", async (t) => {
  if (!existsSync('/sys/bus/event_source/devices/msr/events/tsc')) return t.skip('there is no unit msr');
  using running = start({ cpu: { events: ['msr/tsc,name=tsc/', 'cpu-clock'] } });
  assert.deepEqual(running.absent, []);
  const ratio = () => {
    const [tsc, clock] = totals(running.readers, 'cpu');
    return Number(tsc) / Number(clock);
  };
  spin(100);
  const first = ratio();
  spin(100);
  // Cycles per nanosecond, which stay the same; the clock of an emulated machine goes in steps of some milliseconds.
  assert.ok(first > 0.1 && Math.abs(ratio() / first - 1) < 0.25, `${first}, then ${ratio()}`);
});

test('instructions and cycles are counted where there is a PMU, and else absent with one line', async () => {
  const events = ['instructions', 'cycles', 'LLC-loads', 'LLC-load-misses', 'r003c'];
  using running = start({ cpu: { events } });
  if (!hasPmu()) {
    const [absent, ...more] = running.absent;
    assert.deepEqual(more, []);
    assert.equal(absent!.reason, `test: map "cpu": this machine has no PMU to count ${events.join(', ')}`);
    assert.deepEqual([absent!.level, absent!.metrics.length], ['info', events.length]);
    assert.deepEqual([running.attached, running.plan.tables], [[], []]);
    return;
  }
  const counting = readCounts(running.plan, running);
  const before = await counting.numbers('cpu.instructions');
  spin(50);
  for (const [cpu, instructions] of await counting.numbers('cpu.instructions')) {
    assert.ok(instructions > before.get(cpu)!, `CPU ${cpu} has run instructions`);
  }
});
