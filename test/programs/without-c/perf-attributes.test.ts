import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import type { PerfEventPlan } from '../../../src/config/plan.ts';
import { parsePerfEvent } from '../../../src/config/without-c/perf-event-names.ts';
import { coreKinds, countingCpus, onCore, perfAttributes } from '../../../src/programs/without-c/perf-attributes.ts';

const root = mkdtempSync(join(tmpdir(), 'perf-'));
after(() => rmSync(root, { recursive: true }));

for (const [path, text] of [
  ['kernel/tracing/events/sched/sched_switch/id', '317\n'],
  ['bus/event_source/devices/cpu/type', '4\n'],
  ['bus/event_source/devices/cpu/format/event', 'config:0-7,32-35\n'],
  ['bus/event_source/devices/cpu/format/umask', 'config:8-15\n'],
  ['bus/event_source/devices/cpu/format/any', 'config:21\n'],
  ['bus/event_source/devices/cpu/format/ldlat', 'config1:0-15\n'],
  ['bus/event_source/devices/cpu/format/whole', 'config2:0-63\n'],
  ['bus/event_source/devices/cpu/format/odd', 'somewhere\n'],
  ['bus/event_source/devices/cpu/events/loads', 'event=0xcd,umask=0x1,ldlat=3\n'],
  ['bus/event_source/devices/cpu/events/broken', 'event=?\n'],
  ['bus/event_source/devices/package/type', '17\n'],
  ['bus/event_source/devices/package/cpumask', '0,4-5\n'],
] as const) {
  const file = join(root, 'sys', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const attributes = (text: string, at = root) => perfAttributes(parsePerfEvent(text) as PerfEventPlan, { root: at });

test('names stand for numbers', () => {
  assert.deepEqual(attributes('instructions:u'), { type: 0, config: 1n, excludes: 'kernel' });
});

test("a tracepoint's number is the kernel's", () => {
  assert.deepEqual(attributes('sched:sched_switch'), { type: 2, config: 317n, excludes: undefined });
  assert.throws(() => attributes('sched:sched_swich'), {
    code: 'attach',
    message: 'tracepoint sched:sched_swich: this kernel has none of that name',
  });
  assert.throws(() => attributes('sched:sched_switch', '/nowhere'), {
    code: 'attach',
    message: 'tracepoint sched:sched_switch: tracefs is not mounted, or not readable',
  });
});

for (const [terms, config, config1 = 0n, config2 = 0n] of [
  ['event=0x3c,umask=0', 0x3cn],
  ['event=0x1bb,umask=0x80,any', 0x1_0020_80bbn],
  ['ldlat=3,event=0xcd', 0xcdn, 3n],
  ['whole=0xffffffffffffffff', 0n, 0n, 0xffff_ffff_ffff_ffffn],
  ['config=5,config1=6,config2=7', 5n, 6n, 7n],
  ['loads', 0x1cdn, 3n],
  ['loads,any', 0x20_01cdn, 3n],
] as const) {
  test(`cpu/${terms}/`, () => {
    const wanted = { type: 4, config, config1, config2, excludes: undefined };
    assert.deepEqual(attributes(`cpu/${terms}/`), wanted);
  });
}

test('a unit of the whole package counts on some CPUs for all', () => {
  const cpus = (text: string) => countingCpus(parsePerfEvent(text) as PerfEventPlan, { root });
  assert.deepEqual(cpus('package/config=1/'), [0, 4, 5]);
  assert.equal(cpus('cpu/event=1/'), undefined);
  assert.equal(cpus('instructions'), undefined);
});

test('a processor with several kinds of cores is asked by the kind of the CPU', () => {
  assert.deepEqual(coreKinds({ root }), []);
  const own = mkdtempSync(join(root, 'hybrid-'));
  for (const [name, type, list] of [
    ['cpu_core', 4, '0-3'],
    ['cpu_atom', 10, '4-5'],
  ] as const) {
    const folder = join(own, 'sys/bus/event_source/devices', name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'type'), `${type}\n`);
    writeFileSync(join(folder, 'cpus'), `${list}\n`);
  }
  const kinds = coreKinds({ root: own });
  assert.deepEqual(kinds, [
    { type: 4, cpus: [0, 1, 2, 3] },
    { type: 10, cpus: [4, 5] },
  ]);
  const on = (type: number, config: bigint, cpu: number) => onCore({ type, config }, cpu, kinds);
  assert.deepEqual(on(0, 1n, 5), { type: 0, config: 0xa_0000_0001n });
  assert.deepEqual(on(3, 0x10002n, 0), { type: 3, config: 0x4_0001_0002n });
  assert.deepEqual(on(4, 0x1c4n, 4), { type: 10, config: 0x1c4n });
  assert.deepEqual(on(1, 2n, 4), { type: 1, config: 2n });
  assert.deepEqual(on(0, 1n, 7), { type: 0, config: 1n });
});

test('a unit that the machine lacks counts nothing', () => assert.equal(attributes('uncore/event=1/'), undefined));

test('terms that the unit does not have, or that are too large', () => {
  const message = (text: string) => {
    try {
      attributes(text);
    } catch (error) {
      return (error as Error).message;
    }
    return undefined;
  };
  assert.equal(message('cpu/evnt=1/'), 'perf event "cpu/evnt=1/": unit cpu has no term "evnt"');
  assert.equal(message('cpu/broken/'), 'perf event "cpu/broken/": the kernel says of "broken" what isn\'t terms');
  assert.equal(message('cpu/odd=1/'), 'perf event "cpu/odd=1/": unit cpu has no term "odd"');
  assert.equal(message('cpu/umask=256/'), 'perf event "cpu/umask=256/": umask=0x100 is more than bits 8-15 hold');
});
