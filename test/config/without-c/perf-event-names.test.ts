import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PerfEventPlan } from '../../../src/config/plan.ts';
import { isSoftware, parsePerfEvent } from '../../../src/config/without-c/perf-event-names.ts';

// type and config, as `perf stat -vv -e NAME` shows them.
for (const [name, type, config] of [
  ['cycles', 0, 0],
  ['cpu-cycles', 0, 0],
  ['instructions', 0, 1],
  ['cache-references', 0, 2],
  ['cache-misses', 0, 3],
  ['branches', 0, 4],
  ['branch-misses', 0, 5],
  ['ref-cycles', 0, 9],
  ['cpu-clock', 1, 0],
  ['page-faults', 1, 2],
  ['faults', 1, 2],
  ['cs', 1, 3],
  ['migrations', 1, 4],
  ['cgroup-switches', 1, 11],
  ['L1-dcache-loads', 3, 0x0],
  ['L1-dcache-load-misses', 3, 0x10000],
  ['L1-dcache-stores', 3, 0x100],
  ['L1-dcache-prefetch-misses', 3, 0x10200],
  ['L1-icache-load-misses', 3, 0x10001],
  ['LLC-loads', 3, 0x2],
  ['LLC-load-misses', 3, 0x10002],
  ['LLC-store-misses', 3, 0x10102],
  ['dTLB-load-misses', 3, 0x10003],
  ['iTLB-load-misses', 3, 0x10004],
  ['branch-load-misses', 3, 0x10005],
  ['node-prefetches', 3, 0x206],
  ['r3c', 4, 0x3c],
  ['rFF01', 4, 0xff01],
] as const) {
  test(`${name} is type ${type}, config 0x${config.toString(16)}`, () => {
    const event = { kind: 'code', type, config: BigInt(config) };
    assert.deepEqual(parsePerfEvent(name), { name, event, excludes: undefined });
  });
}

for (const [text, name, event, excludes] of [
  ['instructions:u', 'instructions:u', { kind: 'code', type: 0, config: 1n }, 'kernel'],
  ['r01c4:k', 'r01c4:k', { kind: 'code', type: 4, config: 0x1c4n }, 'user'],
  ['cycles:uk', 'cycles:uk', { kind: 'code', type: 0, config: 0n }, undefined],
  [
    'sched:sched_switch',
    'sched:sched_switch',
    { kind: 'tracepoint', category: 'sched', name: 'sched_switch' },
    undefined,
  ],
  [
    'cpu/event=0x3c,umask=0/',
    'cpu/event=0x3c,umask=0/',
    {
      kind: 'pmu',
      unit: 'cpu',
      terms: new Map([
        ['event', 0x3cn],
        ['umask', 0n],
      ]),
    },
    undefined,
  ],
  [
    'uncore_imc_0/config=4,name=reads,any/u',
    'reads',
    {
      kind: 'pmu',
      unit: 'uncore_imc_0',
      terms: new Map([
        ['config', 4n],
        ['any', 1n],
      ]),
    },
    'kernel',
  ],
] as const) {
  test(`${text} is read as perf reads it`, () => assert.deepEqual(parsePerfEvent(text), { name, event, excludes }));
}

for (const [text, error] of [
  ['instrutions', 'unknown perf event "instrutions", did you mean "instructions"?'],
  ['LLC-load-mises', 'unknown perf event "LLC-load-mises", did you mean "LLC-load-misses"?'],
  ['iTLB-stores', 'unknown perf event "iTLB-stores", did you mean "dTLB-stores"?'],
  ['r', /^unknown perf event "r"/],
  ['rxyz', /^unknown perf event "rxyz"/],
  ['r11112222333344445', /^unknown perf event/],
  ['__proto__', /^unknown perf event "__proto__"/],
  ['instructions:p', `"instructions:p": behind an event's name may be :u or :k, not ":p"`],
  ['sched:', '"sched:" is no tracepoint such as sched:sched_switch'],
  ['sched:a/b', '"sched:a/b" is no event of a unit such as cpu/event=0x3c,umask=0x0/'],
  [':u', '":u" is no tracepoint such as sched:sched_switch'],
  ['cpu/event=0x3c', '"cpu/event=0x3c" is no event of a unit such as cpu/event=0x3c,umask=0x0/'],
  ['../event=1/', /is no event of a unit/],
  ['cpu/event=/', '"cpu/event=/": "event=" is no term such as event=0x3c'],
  ['cpu//', '"cpu//": "" is no term such as event=0x3c'],
  ['cpu/event=x/', '"cpu/event=x/": "x" is no number of at most 64 bits'],
  ['cpu/event=99999999999999999999/', /is no number of at most 64 bits/],
  ['cpu/event=1,event=2/', '"cpu/event=1,event=2/": "event" is there twice'],
] as const) {
  test(`"${text}" is an error`, () => {
    const event = parsePerfEvent(text);
    assert.ok('error' in event);
    if (typeof error === 'string') assert.equal(event.error, error);
    else assert.match(event.error, error);
  });
}

test('software events and tracepoints need no PMU', () => {
  const software = ['page-faults', 'sched:sched_switch', 'cycles', 'LLC-loads', 'r1', 'cpu/event=1/'].map((name) =>
    isSoftware(parsePerfEvent(name) as PerfEventPlan),
  );
  assert.deepEqual(software, [true, true, false, false, false, false]);
});
