import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ViewConfig } from '../../src/config/exporter/configuration.ts';
import { wildcard } from '../../src/config/names/wildcard.ts';
import type { ProgramPlan, TablePlan } from '../../src/config/plan.ts';
import type { ResolvedProgram } from '../../src/config/resolve/program.ts';
import { applyViews, resolveWithViews } from '../../src/config/views.ts';
import { Diagnostics } from '../../src/config/yaml/diagnostic.ts';
import { Store } from '../../src/metrics/store.ts';
import { Tallies } from '../../src/metrics/tallies.ts';
import { counter, FakeMap, fakeReaders, histogram, NO_FACTS, programPlan, tablePlan } from '../helpers/fake-maps.ts';

const at = { file: 'f.yaml', line: 9, column: 5, excerpt: '' };
const scope = { name: 'ebpf-meter', version: '1.2.3' };

function resolved(tables: readonly TablePlan[]): ResolvedProgram {
  const names = tables.flatMap(({ metrics }) => metrics.map(({ name }) => name));
  const origins = new Map(names.map((name) => [name, { name: at, labels: new Map() }]));
  const needs = new Map(names.map((name) => [name, { programs: [name], any: [] }]));
  return { ...programPlan('p', tables), origins, needs };
}

function view(selector: ViewConfig['selector'], stream: Partial<ViewConfig> = {}): ViewConfig {
  return { selector, at, selectorAt: at, ...stream };
}

function applied(tables: readonly TablePlan[], ...views: ViewConfig[]) {
  const diagnostics = new Diagnostics();
  const program = applyViews(resolved(tables), views, scope, diagnostics);
  return { program, errors: diagnostics.errors.map(({ line, message }) => `${line} ${message}`) };
}

/** Labels → numbers of the metrics' columns of every series, of the plan on this map. */
async function series(plan: ProgramPlan, map: FakeMap): Promise<Record<string, number[]>> {
  const store = new Store([{ plan, readers: fakeReaders([map], 1), startTime: [1, 0] }], NO_FACTS, new Tallies());
  assert.deepEqual((await store.read()).errors, []);
  const found: Record<string, number[]> = {};
  for (const table of store.tables) {
    for (let row = 0; row < table.length; row++) {
      if (!table.isUsed(row)) continue;
      const labels = Object.entries(table.attributes(row)).map((pair) => pair.join('='));
      for (const metric of table.plan.metrics) {
        const count = metric.kind === 'histogram' ? metric.slots : 1;
        const first = row * table.plan.width + metric.cell;
        found[`${metric.name}{${labels}}`] = [...table.cells.subarray(first, first + count)];
      }
    }
  }
  return found;
}

const two = tablePlan('m', ['a', 'b'], 2, [counter('ebpf.x', { unit: 's' }), counter('ebpf.y', { cell: 1 })]);

function filled(): FakeMap {
  const map = new FakeMap('m', 8, 16);
  map.set([1, 1], [10, 100]);
  map.set([1, 2], [20, 200]);
  map.set([2, 1], [40, 400]);
  return map;
}

test('without a matching view everything stays as it is', () => {
  const { program, errors } = applied(
    [two],
    view({ instrumentName: 'ebpf.z' }, { name: 'n' }),
    view({ unit: 'By' }),
    view({ meterName: 'other' }),
    view({ meterVersion: '2' }),
    view({ meterSchemaUrl: 'x' }),
    view({ instrumentType: 'counter' }),
  );
  assert.deepEqual([program.tables, errors], [[two], []]);
});

test('names and descriptions', () => {
  const { program } = applied([two], view({ instrumentName: 'ebpf.x', unit: 's' }, { name: 'n', description: 'd' }));
  assert.deepEqual(
    program.tables.flatMap(({ metrics }) => metrics.map(({ name, help }) => [name, help])),
    [
      ['n', 'd'],
      ['ebpf.y', 'Help of ebpf.y'],
    ],
  );
  assert.equal(program.tables.length, 1, 'still read at once');
  assert.deepEqual([...program.needs.keys()], ['n', 'ebpf.y']);
  assert.deepEqual([...program.origins.keys()], ['n', 'ebpf.y']);
});

test('attributes that are left out: what becomes the same is summed', async () => {
  const keys = { attributeKeys: { excluded: ['b'] } };
  const { program } = applied([two], view({ instrumentName: 'ebpf.x' }, keys));
  assert.deepEqual(await series(program, filled()), {
    'ebpf.x{a=1}': [30],
    'ebpf.x{a=2}': [40],
    'ebpf.y{a=1,b=1}': [100],
    'ebpf.y{a=1,b=2}': [200],
    'ebpf.y{a=2,b=1}': [400],
  });
  const none = applied([two], view({}, { attributeKeys: { included: ['c*'] } })).program;
  assert.equal(none.tables.length, 1);
  assert.deepEqual(await series(none, filled()), { 'ebpf.x{}': [70], 'ebpf.y{}': [700] });
});

test('an attribute that is left out still keeps out what it kept out', async () => {
  const only = { ...two.labels[1]!, decoders: [{ name: 'uint' }, { name: 'regexp', regexps: ['1'] }] };
  const plan = { ...two, labels: [two.labels[0]!, only] };
  const { program } = applied([plan], view({}, { attributeKeys: { included: ['a'] } }));
  assert.deepEqual(await series(program, filled()), {
    'ebpf.x{a=1}': [10],
    'ebpf.y{a=1}': [100],
    'ebpf.x{a=2}': [40],
    'ebpf.y{a=2}': [400],
  });
});

test("several views make several streams, and a limit is the stream's own", () => {
  const { program } = applied(
    [two],
    view({ instrumentName: 'ebpf.x' }),
    view({ instrumentName: 'ebpf.x' }, { name: 'x2', cardinalityLimit: 3 }),
    view({ instrumentName: 'ebpf.?' }, { aggregation: { kind: 'drop' } }),
  );
  assert.deepEqual(
    program.tables.map(({ limit, metrics }) => [limit, metrics.map(({ name }) => name)]),
    [
      [undefined, ['ebpf.x']],
      [3, ['x2']],
    ],
  );
});

const bounds = [1, 2, 4, 8].map((us) => us / 1e6);
const slots = tablePlan('m', ['a'], 6, [histogram('h', 4)]);
const inKey: TablePlan = {
  ...tablePlan('m', ['a'], 6, [histogram('h', 4)]),
  keySize: 8,
  fields: [{ offset: 0, type: 'u64', count: 1, cell: 0 }],
  bucketKey: {
    label: { name: 'bucket', offset: 4, size: 4, decoders: [{ name: 'uint' }] },
    columns: new Map([0, 1, 2, 3, 4, 5].map((i) => [i, i] as const)),
  },
};

const rebucketed: readonly [boundaries: readonly number[], expected: readonly number[]][] = [
  [bounds, [1, 2, 3, 4, 5]],
  [
    [2e-6, 8e-6],
    [3, 7, 5],
  ],
  [[4e-6], [6, 9]],
  [[], [15]],
  [[1e-6], [1, 14]],
];

for (const [boundaries, expected] of rebucketed) {
  test(`the buckets ${JSON.stringify(boundaries)}`, async () => {
    const aggregation = { kind: 'explicit_bucket_histogram' as const, boundaries, minMax: true };
    const slotMap = new FakeMap('m', 4, 48);
    slotMap.set([7], [1, 2, 3, 4, 5, 99]);
    const keyMap = new FakeMap('m', 8, 8);
    for (const [bucket, value] of [1, 2, 3, 4, 5, 99].entries()) keyMap.set([7, bucket], [value]);
    for (const [plan, map] of [
      [slots, slotMap],
      [inKey, keyMap],
    ] as const) {
      const { program, errors } = applied([plan], view({}, { aggregation }));
      assert.deepEqual(errors, []);
      assert.deepEqual(await series(program, map), { 'h{a=7}': expected });
      const [metric] = program.tables[0]!.metrics;
      assert.ok(metric?.kind === 'histogram');
      assert.deepEqual(metric.bounds, boundaries);
      assert.equal(metric.le.length, boundaries.length);
      assert.equal(metric.aggregation, 'explicit');
      assert.equal(metric.powersOfTwo, boundaries.length === 4);
    }
  });
}

test('a histogram without a slot above its bounds has none afterwards', () => {
  const plan = tablePlan('m', ['a'], 4, [histogram('h', 4, { slots: 4, sum: undefined })]);
  const aggregation = { kind: 'explicit_bucket_histogram' as const, boundaries: [2e-6, 8e-6], minMax: true };
  const [metric] = applied([plan], view({}, { aggregation })).program.tables[0]!.metrics;
  assert.equal(metric?.kind === 'histogram' && metric.slots, 2);
});

const powers = histogram('h', 3, { bounds: [1, 2, 4], le: ['1', '2', '4'], unit: 'By' });
const base2 = { kind: 'base2_exponential_bucket_histogram' as const, maxScale: 20, maxSize: 160, minMax: true };

test('an exponential histogram where the bounds are powers of two', () => {
  const { program, errors } = applied([tablePlan('m', ['a'], 5, [powers])], view({}, { aggregation: base2 }));
  assert.deepEqual(errors, []);
  const [metric] = program.tables[0]!.metrics;
  assert.equal(metric?.kind === 'histogram' && metric.aggregation, 'exponential');
});

const impossible: readonly [
  metric: TablePlan['metrics'][number],
  aggregation: ViewConfig['aggregation'],
  expected: string,
][] = [
  [counter('c'), { kind: 'last_value' }, '9 metric "c" is a counter and can\'t become a last_value, only sum or drop'],
  [
    counter('c'),
    base2,
    '9 metric "c" is a counter and can\'t become a base2_exponential_bucket_histogram, only sum or drop',
  ],
  [
    counter('g', { kind: 'gauge' }),
    { kind: 'sum' },
    '9 metric "g" is a gauge and can\'t become a sum, only last_value or drop',
  ],
  [histogram('h', 2), { kind: 'sum' }, '9 metric "h" is a histogram and can\'t become a sum'],
  [
    histogram('h', 2),
    base2,
    '9 metric "h" can\'t become an exponential histogram: its bounds are no powers of two in "s"',
  ],
  [
    powers,
    { ...base2, maxSize: 2 },
    '9 metric "h" can\'t become an exponential histogram: it has 3 buckets, more than "max_size" 2',
  ],
  [
    powers,
    { ...base2, maxScale: -1 },
    '9 metric "h" can\'t become an exponential histogram: its scale is 0, above "max_scale" -1',
  ],
  [
    powers,
    { kind: 'explicit_bucket_histogram', boundaries: [1, 3], minMax: true },
    '9 metric "h": 3 is none of its bounds, of which any may be left out: 1, 2, 4',
  ],
];

for (const [metric, aggregation, expected] of impossible) {
  test(`refused: ${expected}`, () => {
    const { errors } = applied([tablePlan('m', ['a'], 5, [metric])], view({}, { aggregation: aggregation! }));
    assert.deepEqual(errors, [expected]);
  });
}

test('what is dropped is not resolved, so that its code is not loaded', () => {
  const wanted: (readonly string[] | undefined)[] = [];
  const resolve = (metrics: readonly string[] | undefined) => {
    wanted.push(metrics);
    return resolved([{ ...two, metrics: two.metrics.filter(({ name }) => metrics?.includes(name.slice(5)) ?? true) }]);
  };
  const drop = (instrumentName: string) => view({ instrumentName }, { aggregation: { kind: 'drop' } });
  const run = (...views: ViewConfig[]) => resolveWithViews(resolve, views, 'ebpf', scope, new Diagnostics());
  assert.deepEqual(
    run(drop('ebpf.x'))?.tables[0]?.metrics.map(({ name }) => name),
    ['ebpf.y'],
  );
  assert.deepEqual(wanted, [undefined, ['y']]);
  assert.equal(run(drop('*')), undefined);
  assert.equal(wanted.length, 3);
});

test('it is told which views match a metric, dropped or not', () => {
  const views = [
    view({ instrumentName: 'ebpf.x' }, { aggregation: { kind: 'drop' } }),
    view({ instrumentName: 'ebpf.z*' }),
    view({ instrumentType: 'observable_counter', unit: 's' }),
    view({ instrumentType: 'histogram' }),
  ];
  const matched: number[] = [];
  resolveWithViews(
    () => resolved([two]),
    views,
    'ebpf',
    scope,
    new Diagnostics(),
    (one) => void matched.push(views.indexOf(one)),
  );
  assert.deepEqual(matched, [0, 2]);
});

for (const [pattern, name, expected] of [
  ['a.b', 'a.b', true],
  ['a.b', 'axb', false],
  ['a*', 'a', true],
  ['a?', 'a', false],
  ['*[b]*', 'x[b]', true],
  ['*', '', true],
  ['A*', 'ab', false],
  ['*a?c*', 'aabbcabcx', true],
  ['a\n*', 'a\n\n', true],
  [`${'*a'.repeat(30)}*b`, 'a'.repeat(500), false],
] as const) {
  test(`"${pattern}" and "${name}"`, () => assert.equal(wildcard(pattern)(name), expected));
}
