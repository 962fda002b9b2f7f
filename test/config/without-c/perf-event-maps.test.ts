import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsNoObject, parseProgramFile } from '../../../src/config/program/file.ts';
import { type ResolvedProgram, resolveProgram } from '../../../src/config/resolve/program.ts';
import { Diagnostics } from '../../../src/config/yaml/diagnostic.ts';
import { texts } from '../resolve/resolving.ts';
import { layout, map, u32, u64 } from '../resolve/types.ts';

const counters = 'metrics: {counters: [{name: a, map: m, field: cycles}]}';

function resolve(yaml: string, object = undefined as Parameters<typeof resolveProgram>[1]) {
  const diagnostics = new Diagnostics();
  const file = parseProgramFile(yaml, 'x.yaml', diagnostics);
  const plan = file && resolveProgram(file, object, { namespace: 'ebpf', cpus: 4 }, diagnostics);
  return { plan, errors: texts(diagnostics), file };
}

function planOf(yaml: string): ResolvedProgram {
  const { plan, errors } = resolve(yaml);
  assert.deepEqual(errors, []);
  return plan!;
}

test('by CPU: a label and a u64 per event, with no object', () => {
  const plan = planOf(`
maps: {m: {perf_events: [instructions, cycles]}}
metrics: {counters: [{name: cpu.cycles, map: m, field: cycles}, {name: cpu.i, map: m, field: instructions}]}`);
  assert.equal(plan.object, undefined);
  const [table, ...more] = plan.tables;
  assert.deepEqual(more, []);
  assert.equal(table!.keySize, 4);
  assert.deepEqual(table!.labels, [
    { name: 'cpu.logical_number', offset: 0, size: 4, decoders: [{ ...table!.labels[0]!.decoders[0], name: 'uint' }] },
  ]);
  assert.deepEqual(
    table!.fields.map(({ offset, type }) => [offset, type]),
    [
      [8, 'u64'],
      [0, 'u64'],
    ],
  );
  assert.deepEqual(
    plan.sources.map(({ map: name, metrics, counts }) => [name, metrics, counts.kind]),
    [
      [
        'm',
        [
          { name: 'ebpf.cpu.cycles', field: 'cycles' },
          { name: 'ebpf.cpu.i', field: 'instructions' },
        ],
        'perf_events',
      ],
    ],
  );
});

for (const [by, name, size, keySize] of [
  ['process.name', 'process.name', 16, 16],
  ['cgroup', 'cgroup', 8, 16],
] as const) {
  test(`by ${by}: its label, and no other`, () => {
    const plan = planOf(`maps: {m: {perf_events: [cycles], by: ${by}}}\n${counters}`);
    const [table] = plan.tables;
    assert.equal(table!.keySize, keySize);
    assert.deepEqual(
      table!.labels.map((label) => [label.name, label.offset, label.size]),
      [[name, 0, size]],
    );
    assert.equal(table!.source.kind === 'entries' && table!.source.expire !== undefined, by === 'cgroup');
  });
}

for (const [labels, expected] of [
  ['[{name: cpu}]', [['cpu', 'uint']]],
  ['[{name: core, field: cpu}]', [['core', 'uint']]],
  [
    '[{name: cpu.logical_number, decoders: [{name: uint}, {name: static_map, static_map: {0: first}}]}]',
    [['cpu.logical_number', 'uint', 'static_map']],
  ],
] as const) {
  test(`labels: ${labels}`, () => {
    const [table] = planOf(`maps: {m: {perf_events: [cycles], labels: ${labels}}}\n${counters}`).tables;
    assert.deepEqual(
      table!.labels.map((label) => [label.name, ...label.decoders.map((decoder) => decoder.name)]),
      expected,
    );
  });
}

test('maps that no enabled metric reads are not counted', () => {
  const diagnostics = new Diagnostics();
  const yaml = `
maps: {m: {perf_events: [cycles]}, n: {perf_events: [page-faults]}}
metrics: {counters: [{name: a, map: m, field: cycles}, {name: b, map: n, field: page-faults}]}`;
  const file = parseProgramFile(yaml, 'x.yaml', diagnostics)!;
  const plan = resolveProgram(file, undefined, { namespace: '', cpus: 1, metrics: ['a'] }, diagnostics);
  assert.deepEqual(texts(diagnostics), []);
  assert.deepEqual(
    plan!.sources.map((source) => source.map),
    ['m'],
  );
});

for (const [yaml, error] of [
  [`maps: {m: {perf_events: [cycle]}}\n${counters}`, '1:26: unknown perf event "cycle", did you mean "cycles"?'],
  [`maps: {m: {perf_events: [cycles, cycles]}}\n${counters}`, '1:34: perf event "cycles" is there twice'],
  [`maps: {m: {perf_events: []}}\n${counters}`, '1:25: "perf_events" names no events'],
  [`maps: {m: {perf_events: }}\n${counters}`, '1:25: "perf_events" names no events'],
  [`maps: {m: {perf_events: cycles}}\n${counters}`, '1:25: "perf_events" must be a list, not "cycles"'],
  [
    `maps: {m: {perf_events: [r1, r2, r3, r4, r5, r6, r7, r8, r9]}}\n${counters}`,
    '1:25: "perf_events" has 9 events; a group has at most 8: describe a second map',
  ],
  [
    `maps: {m: {perf_events: [cycles], by: pid}}\n${counters}`,
    '1:39: "by": unknown value "pid"; known: cpu, process.name, cgroup',
  ],
  [
    `maps: {m: {perf_events: [cycles], limit: 5}}\n${counters}`,
    '1:42: "limit" goes with "by: process.name" and "by: cgroup"',
  ],
  [
    `maps: {m: {perf_events: [cycles], by: cgroup, limit: 0}}\n${counters}`,
    '1:54: "limit" must be an integer from 1 to 65536, not "0"',
  ],
  [
    `maps: {m: {perf_events: [cycles], index: [cpu]}}\n${counters}`,
    '1:35: unknown key "index"; known: perf_events, by, limit, labels',
  ],
  [`maps: {m: {perf_event: [cycles]}}\n${counters}`, '1:12: unknown key "perf_event", did you mean "perf_events"?'],
  [
    `maps: {m: {perf_events: [instructions]}}\n${counters}`,
    '2:47: the value of map "m": struct perf_events has no member "cycles"; known: instructions',
  ],
] as const) {
  test(error, () => {
    const { plan, errors } = resolve(yaml);
    assert.equal(plan, undefined);
    assert.ok(errors.includes(`x.yaml:${error}`), errors.join('\n'));
  });
}

test('a map of the object has no other by its name beside it', () => {
  const object = layout({ maps: [map('m', 'hash', u32, u64)] });
  assert.deepEqual(resolve(`maps: {m: {perf_events: [cycles]}}\n${counters}`, object).errors, [
    'x.yaml:1:8: x.bpf.o has a "m" already: call this map otherwise',
  ]);
});

test('an object is needed by what is not without C', () => {
  const needs = (yaml: string) => !needsNoObject(resolve(yaml).file!);
  assert.equal(needs(`maps: {m: {perf_events: [cycles]}}\n${counters}`), false);
  assert.equal(needs(`maps: {m: {perf_events: [cycle]}}\n${counters}`), false, 'what is wrong in it is said then');
  assert.equal(needs(`maps: {m: {perf_events: [cycles]}, n: {labels: []}}\n${counters}`), true);
  assert.equal(needs('maps: {m: {perf_events: [cycles]}}\nmetrics: {counters: [{name: b}]}'), true);
  assert.equal(needs('metrics: {counters: []}'), true);
});
