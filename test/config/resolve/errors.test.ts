import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProgramFile } from '../../../src/config/program/file.ts';
import { type ResolveOptions, resolveProgram } from '../../../src/config/resolve/program.ts';
import { Diagnostics } from '../../../src/config/yaml/diagnostic.ts';
import { errors, options } from './resolving.ts';
import {
  array,
  bool,
  double,
  enumeration,
  hist,
  i64,
  layout,
  map,
  pointer,
  struct,
  u8,
  u32,
  u64,
  u128,
  union,
  variable,
} from './types.ts';

const key = struct('io_key', { dev: u32, op: enumeration('op', { read: 0 }) });
const odd = struct('odd_key', {
  bytes: array(u8, 4),
  at: pointer,
  ratio: double,
  big: u128,
  any: union('u', { a: u32 }),
});
const bits = {
  kind: 'struct' as const,
  name: 'bit_key',
  size: 4,
  members: [{ name: 'flags', offset: 0, bits: { offset: 0, size: 3 }, type: u32 }],
};
const value = struct('io_value', {
  latency: hist,
  count: u64,
  ratio: double,
  two: struct('t', { a: array(u64, 3), b: array(u64, 3) }),
  signed: array(i64, 4),
});
const object = layout({
  maps: [
    map('io', 'percpu_hash', key, value),
    map('plain', 'hash', 12, 8),
    map('scalar', 'hash', u64, u64),
    map('four', 'hash', u32, u64),
    map('odd', 'hash', odd, u64),
    map('bits', 'hash', bits, u64),
    map('wide', 'hash', 4, 16),
    map('kinds', 'array', u32, u64, 10),
    map('percpu_kinds', 'percpu_array', u32, u64, 10),
    map('events', 'ringbuf', 0, 0),
    map('cache', 'array', u32, array(struct('e', { key: struct('k', { dev: u32 }), value }), 8), 1),
    map('cache_value', 'array', u32, array(struct('e', { key, value: u64 }), 8), 1),
    map('x.bss', 'array', 4, 64, 1),
  ],
  variables: [
    variable('enable', '.rodata', bool, 0),
    variable('small', '.rodata', u8, 1),
    variable('text', '.rodata', array(u8, 8), 8),
    variable('counts', '.bss', array(array(u64, 5), 2), 0),
    variable('total', '.bss', u64, 80),
  ],
  programs: ['on_issue', 'on_complete'],
});

const place = (setting: string) => (asked: string) =>
  asked === setting ? { file: 'x.yaml', line: 9, column: 8, excerpt: '' } : undefined;
const counter = 'metrics:\n  counters:\n    - name: a\n      ';
const histogram = 'metrics:\n  histograms:\n    - name: a\n      ';
const described = (text: string, metric = 'counters: [{name: a, map: m}]') =>
  `maps:\n  m: ${text}\nmetrics: {${metric}}`;

const wrong: readonly (readonly [string, string | readonly string[], Partial<ResolveOptions>?])[] = [
  // maps and variables
  [`${counter}map: oi`, '4:12: no BPF map or global variable "oi" in x.bpf.o, did you mean "io"?'],
  [
    'metrics: {counters: [{name: kinds_total}]}',
    '1:29: no BPF map or global variable "kinds_total" in x.bpf.o; known: io, plain, scalar, four, odd, bits, wide, kinds, percpu_kinds, events, cache, cache_value, counts, total',
  ],
  [`${counter}map: events`, '4:12: map "events" is of type ringbuf, from which no metrics are read'],
  [`${counter}map: enable`, '4:12: "enable" is a constant in .rodata, which counts nothing'],
  [
    described('{map: io, index: [cpu]}'),
    ['2:24: "index" is for ARRAY maps and global variables; "io" is of type percpu_hash'],
  ],
  [described('{map: kinds}'), '2:3: map "kinds" has 10 elements: name its index in "index"'],
  [described('{map: four}'), '2:3: map "four" has up to 1024 keys: name its label in "labels"'],
  [described('{map: kinds, index: [kind, more]}'), '2:33: index "more": the value of map "kinds" has no array for it'],
  [described('{map: counts, index: [one, two, three]}'), '2:38: index "three": "counts" has no array for it'],
  [
    described('{map: counts, index: [cpu, two]}'),
    '2:28: "counts" has 2 elements for 4 possible CPUs and can\'t grow, since it shares .bss with others: give it a section of its own',
  ],
  [
    described('{map: counts, index: [one, cpu]}', 'counters: [{name: a, map: m}]'),
    '2:33: "counts" has 5 elements for 9 possible CPUs',
    { cpus: 9 },
  ],
  [described('{map: counts, field: x, index: [one]}'), '2:27: "counts" is u64[2][5]: name its indexes in "index"'],
  [
    described('{map: percpu_kinds, index: [cpu]}'),
    '2:34: map "percpu_kinds" is per CPU by itself and has one index to name',
  ],
  [
    described('{map: percpu_kinds, index: [a, b]}'),
    '2:37: map "percpu_kinds" is per CPU by itself and has one index to name',
  ],
  [
    described('{map: kinds, index: [kind], labels: [{name: kin}]}'),
    '2:50: there is no index "kin", did you mean "kind"?',
  ],
  [
    described('{map: kinds, index: [kind], labels: [{name: kind, size: 4}]}'),
    '2:62: the label of an index has no size: it is a u32',
  ],
  [described('{map: kinds, index: [kind], cache: cache}'), '2:41: "cache" is for maps with keys'],
  [
    described('{map: kinds, index: [kind], per_cpu: sum}'),
    '2:43: "per_cpu" is for per-CPU maps; here name the CPU\'s index "cpu", and it is summed over',
  ],
  [
    described('{map: scalar, labels: [{name: x}], per_cpu: cpu}'),
    '2:50: "per_cpu" is for per-CPU maps; "scalar" is of type hash',
  ],
  [
    described('{map: scalar, labels: [{name: x}], zeros: true}'),
    '2:48: "zeros" is for indexed elements; every key in a map is a series',
  ],
  [described('{map: io, per_cpu: dev, field: count}'), '2:25: label "dev" is a part of the key already'],
  [
    described('{map: io, field: cuont}'),
    '2:23: the value of map "io": struct io_value has no member "cuont", did you mean "count"?',
  ],
  [
    described('{map: io, field: signed}'),
    '2:23: "signed" is i64[4]: only ARRAY maps and global variables have indexes in the value',
  ],
  [
    described('{map: wide, labels: [{name: x, size: 4, decoders: [{name: uint}]}], field: x}'),
    '2:81: the value of map "wide" has no BTF type, so it has no fields',
  ],
  [
    described('{map: io, cache: cach, field: count}'),
    '2:23: no BPF map or global variable "cach" in x.bpf.o, did you mean "cache"?',
  ],
  [described('{map: io, cache: cache, field: count}'), '2:23: the key in "cache" has 4 bytes, that of map "io" has 8'],
  [
    described('{map: io, cache: cache_value, field: count}'),
    '2:23: the value in "cache_value" has 8 bytes, that of map "io" has 320',
  ],
  [
    described('{map: io, cache: four, field: count}'),
    '2:23: a cache is an ARRAY map or a global array, but "four" is of type hash',
  ],
  [
    described('{map: io, cache: kinds, field: count}'),
    '2:23: a cache is [cpu] and further arrays of {key; value}, but "kinds" is an ARRAY of u64',
  ],
  [
    described('{map: io, cache: total, field: count}'),
    '2:23: a cache is [cpu] and further arrays of {key; value}, but "total" is u64',
  ],
  // labels by size
  [
    `${counter}map: plain\n      labels: [{name: x, size: 4, decoders: [{name: uint}]}, {name: y, size: 4, decoders: [{name: uint}]}]`,
    '5:69: the labels cover 8 bytes, but the key of map "plain" has 12',
  ],
  [
    `${counter}map: io\n      field: count\n      labels: [{name: dev, size: 4}, {name: op, size: 4, padding: 4}]`,
    '6:45: the labels cover 12 bytes, but the key of map "io" has 8 (struct io_key)',
  ],
  [
    `${counter}map: plain\n      labels: [{name: x, size: 4, decoders: [{name: uint}]}, {name: y}]`,
    '5:69: label "y" has no "size", but the others have',
  ],
  [
    `${counter}map: plain\n      labels: [{name: x, size: 12}]`,
    '5:23: label "x" needs "decoders": BTF has no member with this place and size',
  ],
  [
    `${counter}map: percpu_kinds\n      labels: [{name: x, size: 4}, {name: cpu, size: 4}]`,
    '5:54: the label "cpu" of a per-CPU map is a u16 behind the key: its size is 2',
  ],
  // labels by BTF
  [
    `${counter}map: plain\n      labels: [{name: x}]`,
    '5:23: map "plain" has no BTF type for its key: give every label its "size"',
  ],
  [`${counter}map: plain`, '4:12: the key of map "plain" has 12 bytes: give it "labels"'],
  [`${counter}map: scalar`, '4:12: the key of map "scalar" has 8 bytes (u64): give it "labels"'],
  [
    `${counter}map: scalar\n      labels: [{name: x}, {name: y}]`,
    '5:34: the key of map "scalar" has no members (u64): it is one label',
  ],
  [
    `${counter}map: scalar\n      labels: [{name: x, field: y}]`,
    '5:33: the key of map "scalar" has no members (u64): it is one label',
  ],
  [
    `${counter}map: io\n      field: count\n      labels: [{name: x, field: devv}]`,
    '6:33: the key\'s struct io_key has no member "devv", did you mean "dev"?',
  ],
  [
    `${counter}map: io\n      field: count\n      labels: [{name: op, field: dev}]`,
    '6:23: label "op" is also what member "op" of the key is called',
  ],
  [
    `${counter}map: io\n      field: count\n      labels: [{name: dev, padding: 4}]`,
    '6:37: "padding" goes with "size" only',
  ],
  [
    `${counter}map: io\n      field: count\n      labels: [{name: dev, decoders: [{name: enum}]}]`,
    '6:46: decoder "enum" has no names: BTF has no enum for label "dev", give "static_map"',
  ],
  [
    `${counter}map: odd`,
    [
      'bytes" of the key of map "odd" is u8[4]',
      'at" of the key of map "odd" is a pointer',
      'ratio" of the key of map "odd" is double',
      'big" of the key of map "odd" is unsigned __int128',
      'any" of the key of map "odd" is union u',
    ].map((member) => `4:12: member "${member}: give its label "decoders", or every label its "size"`),
  ],
  [
    `${counter}map: bits`,
    '4:12: member "flags" of the key of map "bits" is a bitfield: give its label "decoders", or every label its "size"',
  ],
  [
    `${counter}map: odd\n      labels: [{name: at}, {name: bytes, decoders: [{name: hex}]}, {name: ratio, decoders: [{name: hex}]}, {name: big, decoders: [{name: hex}]}, {name: any, decoders: [{name: hex}]}]`,
    '5:23: label "at" needs "decoders": its member is a pointer',
  ],
  [
    `maps: {m: {map: io, labels: []}}\n${counter}map: m\n      field: count\n      labels: [{name: dev}]`,
    '7:23: map "m" is described in "maps": its labels belong there',
  ],
  // values
  [`${counter}map: io`, '3:13: the value of map "io" is struct io_value, not a number: name the number in "field"'],
  [
    `${counter}map: io\n      field: ratio`,
    '5:14: "ratio" is double, not a number: a metric is an integer of 1, 2, 4 or 8 bytes',
  ],
  [
    `${counter}map: io\n      field: signed`,
    '5:14: "signed" is i64[4], not a number: describe it in "maps" and name its indexes in "index", or take one element: "field: name[0]"',
  ],
  [`${counter}map: io\n      field: signed[4]`, '5:14: the value of map "io": [4] is behind the end of i64[4]'],
  [`${counter}map: io\n      field: count[0]`, '5:14: the value of map "io": [0] of u64, which is no array'],
  [`${counter}map: io\n      field: a..b`, '5:14: the value of map "io": "a..b" is not a path such as a.b or a.b[3]'],
  [
    `${counter}map: wide\n      labels: [{name: x, size: 4, decoders: [{name: uint}]}]`,
    '3:13: the value of map "wide" has 16 bytes and no BTF type: only 4 or 8 are a number',
  ],
  [`${counter}map: kinds\n      in: us`, '5:11: counted in us, but the metric has no "unit" to turn it into'],
  [`${counter}map: kinds\n      unit: By\n      in: us`, "6:11: us can't be turned into the unit By"],
  // histograms
  [`${histogram}map: io\n      field: count`, '5:14: "count" is u64, which is no histogram'],
  [
    `${histogram}map: io\n      field: two`,
    '5:14: "two" is struct t, which has 2 arrays of integers (a, b): name one in "slots"',
  ],
  [`${histogram}map: io\n      slots: signed`, '5:14: slots are an array of unsigned integers, not i64[4]'],
  [
    `${histogram}map: io\n      slots: latency.slots\n      sum: latency.slots`,
    '6:12: "latency.slots" is u64[27], not a number',
  ],
  [`${histogram}map: io\n      sum: latency.sum`, '5:12: "sum" goes with "slots"'],
  [
    `${histogram}map: io\n      slots: two.a\n      unit: s\n      sum_in: us`,
    '7:15: "sum_in": histogram "a" has no sum',
  ],
  [
    `${histogram}map: io\n      field: latency\n      bucket_type: exp2zero`,
    '6:20: bucket_type exp2zero is for buckets in the key, not for slots',
  ],
  [
    `${histogram}map: io\n      field: latency\n      bucket_max: 26`,
    '6:19: "bucket_max" is not for this histogram: the number of slots tells where the buckets end',
  ],
  [
    `${histogram}map: io\n      field: latency\n      bucket_multiplier: 2`,
    '6:26: "bucket_multiplier" is not for this histogram: give "in" and "unit"',
  ],
  [
    `${histogram}map: io\n      field: latency\n      bucket_type: fixed`,
    '6:20: bucket_type fixed needs "bucket_keys"',
  ],
  [
    `${histogram}map: io\n      slots: two.a\n      bucket_type: fixed\n      bucket_keys: [1, 2, 3, 4]`,
    '7:20: 4 bucket_keys for 3 slots: there are as many slots, or one more for what is above',
  ],
  [
    `${histogram}map: four\n      bucket_max: 3`,
    '3:13: histogram "a": the value of "four" is one number, so its buckets are in the key, but it has no labels: the last is the bucket. Write it as labels: [{name: bucket, size: 4, decoders: [{name: uint}]}], with bucket_type: linear and bucket_max',
  ],
  [
    `${histogram}map: kinds\n      bucket_max: 3`,
    '3:13: histogram "a": the value of "kinds" is one number, so its buckets are in the key, but it has only indexes. Write it as labels: [{name: bucket, size: 4, decoders: [{name: uint}]}], with bucket_type: linear and bucket_max',
  ],
  [
    `${histogram}map: percpu_kinds\n      bucket_max: 3\n      labels: [{name: cpu, size: 2, decoders: [{name: uint}]}]`,
    '3:13: histogram "a": the value of "percpu_kinds" is one number, so its buckets are in the key, but it has no labels beside the CPU: the last is the bucket. Write it as labels: [{name: bucket, size: 4, decoders: [{name: uint}]}], with bucket_type: linear and bucket_max',
  ],
  [
    `${histogram}map: scalar\n      labels: [{name: x}]`,
    '3:13: histogram "a" has its buckets in the key and needs "bucket_max"',
  ],
  [
    `${histogram}map: scalar\n      labels: [{name: x}]\n      bucket_min: 5\n      bucket_max: 4`,
    '7:19: bucket_max is 4, which is below bucket_min 5',
  ],
  [
    `${histogram}map: scalar\n      labels: [{name: x}]\n      bucket_max: 65`,
    '6:19: bucket_max is 65; with bucket_type exp2 it is at most 64',
  ],
  [
    `${histogram}map: scalar\n      labels: [{name: x}]\n      bucket_type: fixed\n      bucket_keys: [1, 2.5]`,
    '7:20: bucket_keys are unsigned integers where the bucket is in the key, not 2.5',
  ],
  [
    `${histogram}map: scalar\n      labels: [{name: x}]\n      bucket_max: 5\n      unit: s\n      in: us`,
    '8:11: "in" is not for this histogram: where the bucket is in the key, "bucket_multiplier" turns its bounds into the unit',
  ],
  [
    `${histogram}map: wide\n      labels: [{name: x, size: 4, decoders: [{name: uint}]}]\n      bucket_max: 5`,
    '3:13: the value of map "wide" has 16 bytes and no BTF type: only 4 or 8 are a number',
  ],
  // constants and programs
  [
    `${counter}map: kinds\n      needs: {constants: [enabel]}`,
    '5:27: no constant "enabel" in .rodata of x.bpf.o, did you mean "enable"?',
  ],
  [
    `${counter}map: kinds\n      needs: {programs: [on_isue]}`,
    '5:26: no BPF program "on_isue" in x.bpf.o, did you mean "on_issue"?',
  ],
  [
    `constants: {total: 1}\n${counter}map: kinds`,
    '1:20: no constant "total" in .rodata of x.bpf.o; known: enable, small, text',
  ],
  [`constants: {small: 256}\n${counter}map: kinds`, '1:20: constant "small" is u8: 256 is not from 0 to 255'],
  [`constants: {small: -1}\n${counter}map: kinds`, '1:20: constant "small" is u8: -1 is not from 0 to 255'],
  [`constants: {enable: 2}\n${counter}map: kinds`, '1:21: constant "enable" is bool: 2 is not from 0 to 1'],
  [`constants: {text: 2}\n${counter}map: kinds`, '1:19: constant "text" is u8[8], which can\'t be set'],
  [
    `constants: {enable: 1}\n${counter}map: kinds\n      needs: {constants: [enable]}`,
    '1:21: constant "enable" is set by the metrics that need it',
  ],
  [
    `${counter}map: kinds`,
    '1:1: the exporter\'s configuration: no constant "smal" in .rodata of x.bpf.o, did you mean "small"?',
    { constants: new Map([['smal', 1]]) },
  ],
  [
    `${counter}map: kinds`,
    '1:1: the exporter\'s configuration: constant "small" must be an integer, not 1.5',
    { constants: new Map([['small', 1.5]]) },
  ],
  [
    `${counter}map: kinds\n      needs: {constants: [enable]}`,
    '1:1: the exporter\'s configuration: constant "enable" is set by the metrics that need it: enable or disable those',
    { constants: new Map([['enable', 1]]) },
  ],
  [
    `${counter}map: kinds`,
    '9:8: no constant "smal" in .rodata of x.bpf.o, did you mean "small"?',
    { constants: new Map([['smal', 1]]), placeOf: place('constants.smal') },
  ],
  // what is enabled
  [
    `${counter}map: kinds`,
    '9:8: program "x" has no metric "b"; known: a',
    { metrics: ['b'], placeOf: place('metrics.b') },
  ],
  [
    `${counter}map: kinds`,
    '1:1: the exporter\'s configuration: program "x" has no metric "b"; known: a',
    { metrics: ['b'] },
  ],
  [`${counter}map: kinds`, '1:1: no metric of program "x" is enabled', { metrics: [] }],
  ['metrics: {counters: []}', '1:1: no metric of program "x" is enabled'],
];

for (const [yaml, expected, more] of wrong) {
  test(`wrong: ${typeof expected === 'string' ? expected : expected[0]}`, () => {
    const list = typeof expected === 'string' ? [expected] : expected;
    assert.deepEqual(
      errors(yaml, object, more),
      list.map((text) => `x.yaml:${text}`),
    );
  });
}

test('errors of the file and of what it resolves to are told together', () => {
  const yaml = 'metrics:\n  counters:\n    - {name: a, map: oi}\n    - {name: kinds, unti: s}\n    - {name: events}\n';
  assert.deepEqual(errors(yaml, object), [
    'x.yaml:3:22: no BPF map or global variable "oi" in x.bpf.o, did you mean "io"?',
    'x.yaml:4:21: unknown key "unti", did you mean "unit"?',
    'x.yaml:5:14: map "events" is of type ringbuf, from which no metrics are read',
  ]);
});

test('an entry of "maps" that is wrong is told once, not for each of its metrics', () => {
  const yaml =
    'maps: {io: {labels: [{name: x, field: y}]}}\nmetrics: {counters: [{name: a, map: io, field: count}, {name: b, map: io, field: count}]}';
  assert.deepEqual(errors(yaml, object), ['x.yaml:1:39: the key\'s struct io_key has no member "y"; known: dev, op']);
});

test('an object without a license is warned of', () => {
  for (const [hasLicense, count] of [
    [false, 1],
    [true, 0],
  ] as const) {
    const diagnostics = new Diagnostics();
    const file = parseProgramFile('metrics: {counters: [{name: total}]}', 'x.yaml', diagnostics)!;
    resolveProgram(file, { ...object, hasLicense }, options, diagnostics);
    const expected =
      'x.bpf.o says no license, so the kernel refuses it helpers and hooks: in C, char LICENSE[] SEC("license") = "GPL";';
    assert.deepEqual(
      diagnostics.warnings.map(({ message }) => message),
      Array(count).fill(expected),
    );
  }
});
