import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errors, plan } from './resolving.ts';
import { array, layout, map, struct, u16, u32, u64, variable } from './types.ts';

const key = struct('listener', { port: u16 });
const object = {
  ...layout({
    maps: [
      map('listeners', 'hash', key, u64),
      map('drops', 'percpu_hash', key, u64),
      map('recent', 'lru_hash', key, u64),
      map('table', 'array', u32, u64, 4),
    ],
    variables: [variable('totals', '.bss', array(u64, 2), 8), variable('others', '.bss', u64)],
  }),
  programs: [
    { name: 'dump', section: 'iter/tcp' },
    { name: 'dump_tasks', section: '?iter.s/task' },
    { name: 'on_close', section: 'tp_btf/tcp_destroy_sock' },
  ],
};

const file = (maps: string, ...metrics: readonly string[]) =>
  `maps: {${maps}}\nmetrics:\n  gauges:\n${metrics.map((metric) => `    - ${metric}\n`).join('')}`;

function filled(yaml: string, metrics?: readonly string[]) {
  const { filled: maps, needs, skip } = plan(yaml, object, { metrics });
  return { maps, needs: [...needs].map(([name, { programs }]) => [name, programs]), skip: [...skip] };
}

const listeners = 'listeners: {filled_by: dump}';
const drops = 'drops: {filled_by: dump, emptied: false}';

test('a map that is filled is emptied before, unless the file says otherwise', () => {
  assert.deepEqual(filled(file(`${listeners}, ${drops}`, '{name: listeners}', '{name: drops}')).maps, [
    { map: 'listeners', program: 'dump', emptied: true },
    { map: 'drops', program: 'dump', emptied: false },
  ]);
});

test('metrics need what fills their map, whether they say so or not', () => {
  const { needs } = filled(
    file(
      `${listeners}, ${drops}`,
      '{name: listeners}',
      '{name: drops, needs: {programs: [on_close]}}',
      '{name: said, map: listeners, needs: {programs: [dump]}}',
    ),
  );
  assert.deepEqual(needs, [
    ['ebpf.listeners', ['dump']],
    ['ebpf.drops', ['on_close', 'dump']],
    ['ebpf.said', ['dump']],
  ]);
});

test('what fills a map that no enabled metric reads is not loaded', () => {
  const both = file(`${listeners}, recent: {filled_by: dump_tasks}`, '{name: listeners}', '{name: recent}');
  assert.deepEqual(filled(both, ['listeners']), {
    maps: [{ map: 'listeners', program: 'dump', emptied: true }],
    needs: [['ebpf.listeners', ['dump']]],
    skip: ['dump_tasks'],
  });
});

test('arrays and variables are filled as they are, by the map that holds them', () => {
  const maps =
    'table: {filled_by: dump, emptied: false, index: [a]}, totals: {filled_by: dump, emptied: false, index: [b]}';
  assert.deepEqual(filled(file(maps, '{name: table}', '{name: totals}')).maps, [
    { map: 'table', program: 'dump', emptied: false },
    { map: '.bss', program: 'dump', emptied: false },
  ]);
});

test('one map may be described twice, if it is filled the same way', () => {
  const twice = (other: string) =>
    file(`${listeners}, again: {map: listeners, ${other}}`, '{name: listeners}', '{name: again}');
  assert.equal(filled(twice('filled_by: dump')).maps.length, 1);
  for (const [other, column] of [
    ['filled_by: dump_tasks', 73],
    ['filled_by: dump, emptied: false', 73],
  ] as const) {
    assert.deepEqual(errors(twice(other), object), [`x.yaml:1:${column}: map "listeners" is filled otherwise above`]);
  }
});

for (const [maps, message] of [
  ['listeners: {filled_by: dumb}', '1:31: no BPF program "dumb" in x.bpf.o, did you mean "dump"?'],
  [
    'listeners: {filled_by: on_close}',
    '1:31: "filled_by" names an iterator, and the section of "on_close" is "tp_btf/tcp_destroy_sock"',
  ],
  ['listeners: {filled_by: [dump]}', '1:31: "filled_by" must be a text, not a list'],
  ['listeners: {emptied: true}', '1:29: "emptied" is for maps with "filled_by"'],
  ['listeners: {filled_by: dump, emptied: sometimes}', '1:46: "emptied" must be true or false, not "sometimes"'],
  [
    'listeners: {map: table, filled_by: dump, index: [a]}',
    '1:25: map "table" is of type array, of which nothing can be removed: it needs "emptied: false"',
  ],
  [
    'listeners: {map: others, filled_by: dump}',
    '1:25: "others" is a global variable, of which nothing can be removed: it needs "emptied: false"',
  ],
] as const) {
  test(`wrong: ${maps}`, () => {
    assert.deepEqual(errors(file(maps, '{name: listeners}'), object), [`x.yaml:${message}`]);
  });
}

test('interfaces are for programs with a section xdp', () => {
  const metric = file('', '{name: listeners}');
  const withXdp = { ...object, programs: [...object.programs, { name: 'count', section: 'xdp' }] };
  assert.deepEqual(plan(metric, withXdp, { interfaces: ['eth0', 'eth1'] }).interfaces, ['eth0', 'eth1']);
  assert.deepEqual(plan(metric, withXdp).interfaces, []);
  const named = { ...object, programs: [{ name: 'count', section: 'xdp/eth0' }] };
  const message = 'program "x" attaches to no interfaces: no section of x.bpf.o is "xdp"';
  assert.deepEqual(errors(metric, named, { interfaces: ['eth1'] }), [
    `x.yaml:1:1: the exporter's configuration: ${message}`,
  ]);
  const at = { file: 'exporter.yaml', line: 7, column: 3, excerpt: '' };
  assert.deepEqual(
    errors(metric, named, { interfaces: ['eth1'], placeOf: (what) => (what === 'interfaces' ? at : undefined) }),
    [`exporter.yaml:7:3: ${message}`],
  );
});
