import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IndexedSource } from '../../../src/config/plan.ts';
import { plan } from './resolving.ts';
import { array, hist, layout, map, struct, u8, u32, u64, variable } from './types.ts';

const kinds = struct('cpu_kinds', { kinds: array(hist, 10), total: u64 }, 2304);
const object = layout({
  maps: [
    map('array', 'array', u32, u64, 12),
    map('odd', 'array', u32, struct('odd', { a: array(u8, 12) }), 3),
    map('percpu', 'percpu_array', u32, u64, 12),
    map('softirq', 'array', u32, kinds, 1),
    map('hist', 'hash', struct('k', { a: u32 }), u64),
  ],
  variables: [
    variable('forks', '.bss', u64, 8),
    variable('grid', '.bss', array(array(u64, 5), 3), 16),
    variable('pair', '.data.pair', array(struct('pair', { a: u64, b: u64 }), 2), 0),
    variable(
      'per_cpu',
      '.data.cpus',
      array(array(struct('entry', { key: struct('k', { a: u32 }), value: u64 }), 4), 1),
      64,
    ),
    variable('alone', '.data.alone', array(array(u64, 2), 1), 0),
    variable('wide', '.data.wide', struct('wide', { cpus: array(u64, 8), rest: u64 }), 0),
  ],
});

// An entry of `maps`, the metric's field → where and how the elements lie.
const cases: readonly (readonly [
  string,
  string,
  {
    map: string;
    offset?: number;
    dimensions: (readonly [string, number, number])[];
    zeros: boolean;
    field?: number;
    first?: string[];
  },
])[] = [
  ['{map: array, index: [kind]}', '', { map: 'array', dimensions: [['kind', 12, 8]], zeros: false }],
  ['{map: array, index: [kind], zeros: true}', '', { map: 'array', dimensions: [['kind', 12, 8]], zeros: true }],
  ['{map: odd, index: [n]}', 'a[3]', { map: 'odd', dimensions: [['n', 3, 16]], zeros: false, field: 3 }],
  [
    '{map: odd, index: [n, m], field: a}',
    '',
    {
      map: 'odd',
      dimensions: [
        ['n', 3, 16],
        ['m', 12, 1],
      ],
      zeros: false,
    },
  ],
  [
    '{map: softirq, index: [cpu]}',
    'total',
    { map: 'softirq', dimensions: [['cpu', 4, 2304]], zeros: true, field: 2240, first: ['softirq'] },
  ],
  [
    '{map: softirq, index: [cpu, kind], field: kinds}',
    'sum',
    {
      map: 'softirq',
      dimensions: [
        ['cpu', 4, 2304],
        ['kind', 10, 224],
      ],
      zeros: false,
      field: 216,
      first: ['softirq'],
    },
  ],
  [
    '{map: softirq, index: [kind], field: kinds}',
    'sum',
    { map: 'softirq', dimensions: [['kind', 10, 224]], zeros: false, field: 216 },
  ],
  ['{map: forks}', '', { map: '.bss', offset: 8, dimensions: [], zeros: true }],
  ['{map: forks, zeros: false}', '', { map: '.bss', offset: 8, dimensions: [], zeros: false }],
  [
    '{map: grid, index: [x, y]}',
    '',
    {
      map: '.bss',
      offset: 16,
      dimensions: [
        ['x', 3, 40],
        ['y', 5, 8],
      ],
      zeros: false,
    },
  ],
  [
    '{map: alone, index: [cpu, y]}',
    '',
    {
      map: '.data.alone',
      dimensions: [
        ['cpu', 4, 16],
        ['y', 2, 8],
      ],
      zeros: false,
      first: ['alone'],
    },
  ],
  ['{map: pair, index: [n], field: b}', '', { map: '.data.pair', offset: 8, dimensions: [['n', 2, 16]], zeros: false }],
  ['{map: wide, index: [cpu], field: cpus}', '', { map: '.data.wide', dimensions: [['cpu', 4, 8]], zeros: true }],
];

for (const [entry, field, expected] of cases) {
  test(`indexed: ${entry}${field}`, () => {
    const metric = field === '' ? '{name: a, map: m}' : `{name: a, map: m, field: "${field}"}`;
    const yaml = `maps: {m: ${entry}}\nmetrics: {gauges: [${metric}]}`;
    const { tables, perCpuFirst } = plan(yaml, object);
    const source = tables[0]!.source as IndexedSource;
    assert.deepEqual(source.memory, { map: expected.map, offset: expected.offset ?? 0 });
    assert.deepEqual(
      source.dimensions.map(({ name, cpu, count, stride }) => [name, cpu, count, stride]),
      expected.dimensions.map(([name, count, stride]) => [name, name === 'cpu', count, stride]),
    );
    assert.equal(source.zeros, expected.zeros);
    assert.equal(tables[0]!.fields[0]!.offset, expected.field ?? 0);
    assert.deepEqual(perCpuFirst, expected.first ?? []);
    const names = expected.dimensions.map(([name]) => name).filter((name) => name !== 'cpu');
    assert.deepEqual(
      tables[0]!.labels,
      names.map((name, position) => ({ name, offset: position * 4, size: 4, decoders: [{ name: 'uint' }] })),
    );
    assert.equal(tables[0]!.keySize, names.length * 4);
  });
}

test('the label of an index has decoders and a name of its own', () => {
  const yaml = `maps:
  array:
    index: [kind]
    labels: [{name: irq.kind, field: kind, decoders: [{name: uint}, {name: static_map, static_map: {0: hi}}]}]
metrics: {counters: [{name: array}]}`;
  assert.deepEqual(plan(yaml, object).tables[0]!.labels, [
    {
      name: 'irq.kind',
      offset: 0,
      size: 4,
      decoders: [{ name: 'uint' }, { name: 'static_map', staticMap: new Map([['0', 'hi']]) }],
    },
  ]);
});

test('the index of a per-CPU ARRAY is its key', () => {
  const yaml = 'maps: {percpu: {index: [kind], per_cpu: cpu}}\nmetrics: {counters: [{name: percpu}]}';
  const [table] = plan(yaml, object).tables;
  assert.deepEqual(table!.source, { kind: 'entries', map: 'percpu', perCpu: 'label', cache: undefined });
  assert.deepEqual(
    table!.labels.map(({ name, offset, size }) => [name, offset, size]),
    [
      ['kind', 0, 4],
      ['cpu', 4, 2],
    ],
  );
  assert.equal(table!.keySize, 6);
});

test('a metric that names an ARRAY or a variable directly is its first element', () => {
  const yaml = 'metrics: {counters: [{name: array}, {name: forks}]}';
  assert.deepEqual(
    plan(yaml, object).tables.map(({ source }) => source),
    [
      { kind: 'indexed', memory: { map: 'array', offset: 0 }, dimensions: [], zeros: true },
      { kind: 'indexed', memory: { map: '.bss', offset: 8 }, dimensions: [], zeros: true },
    ],
  );
});

test('a cache may be a global array', () => {
  const yaml = 'maps: {hist: {cache: per_cpu}}\nmetrics: {counters: [{name: hist}]}';
  const { tables, perCpuFirst } = plan(yaml, object);
  assert.deepEqual(tables[0]!.source, {
    kind: 'entries',
    map: 'hist',
    perCpu: 'no',
    cache: {
      memory: { map: '.data.cpus', offset: 64 },
      dimensions: [
        { name: 'cpu', cpu: true, count: 4, stride: 64 },
        { name: 'place', cpu: false, count: 4, stride: 16 },
      ],
      keyOffset: 0,
      valueOffset: 8,
    },
  });
  assert.deepEqual(perCpuFirst, ['per_cpu']);
});

test("a cache's arrays may be within a struct, padded per CPU", () => {
  const entry = struct('entry', { key: struct('k', { a: u32 }), value: u64 });
  const cpu = struct('cpu', { entries: array(entry, 4), __pad: array(u8, 64) });
  const yaml = 'maps: {m: {cache: c}}\nmetrics: {counters: [{name: m}]}';
  const maps = [map('m', 'hash', struct('k', { a: u32 }), u64), map('c', 'array', u32, cpu, 1)];
  const { source } = plan(yaml, layout({ maps })).tables[0]!;
  assert.deepEqual(source.kind === 'entries' && source.cache?.dimensions, [
    { name: 'cpu', cpu: true, count: 4, stride: 128 },
    { name: 'place', cpu: false, count: 4, stride: 16 },
  ]);
});
