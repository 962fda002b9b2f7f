import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProgramFile } from '../../../src/config/program/file.ts';
import { resolveProgram } from '../../../src/config/resolve/program.ts';
import { type Diagnostic, Diagnostics } from '../../../src/config/yaml/diagnostic.ts';
import { goDuration } from '../../../src/config/yaml/go-duration.ts';
import { errors, options, plan } from '../resolve/resolving.ts';
import { array, layout, map, pointer, u8, u32, u64, variable } from '../resolve/types.ts';

const object = layout({
  maps: [
    map('calls', 'hash', u32, u64),
    map('ids', 'hash', u64, u64),
    map('lru_ids', 'lru_hash', u64, u64),
    map('narrow_ids', 'hash', u32, u64),
    map('flags', 'hash', u64, u8),
    map('wide_ids', 'hash', u64, array(u64, 2)),
    map('storage', 'cgrp_storage', u32, u64),
    map('records', 'perf_event_array', u32, u32),
    map('spans', 'ringbuf', 0, 0),
  ],
  variables: [
    variable('kaddr_vfs_read', '.rodata', u64),
    variable('kaddr_init_task', '.rodata', pointer, 8),
    variable('kaddr_narrow', '.rodata', u32, 16),
    variable('kaddr_array', '.rodata', array(u8, 8), 20),
    variable('kaddr_later', '.data', u64),
  ],
});

const counter =
  'metrics:\n  counters:\n    - {name: calls, help: Calls, labels: [{name: a, size: 4, decoders: [{name: uint}]}]}\n';
const record = '{name: records, help: Records, perf_event_array: true';
const label = '{name: a, size: 4, decoders: [{name: uint}]}';

test('kaddrs name constants and the symbols whose addresses they are given', () => {
  const resolved = plan(`kaddrs: [vfs_read, init_task]\n${counter}`, object);
  assert.deepEqual(
    resolved.addresses,
    new Map([
      ['kaddr_vfs_read', 'vfs_read'],
      ['kaddr_init_task', 'init_task'],
    ]),
  );
  assert.equal(plan(`kaddrs:\n${counter}`, object).addresses, undefined);
});

test('cgroup_id_map names a map of ids; it is a hash unless it says otherwise', () => {
  const idsOf = (yaml: string) => plan(`cgroup_id_map: ${yaml}\n${counter}`, object).cgroupIds;
  assert.deepEqual(idsOf('{name: ids, regexps: [a, ^b$]}'), { map: 'ids', type: 'hash', regexps: ['a', '^b$'] });
  assert.equal(idsOf('{name: lru_ids, type: hash, regexps: [a]}')?.map, 'lru_ids');
  assert.equal(idsOf('{name: flags, regexps: [a]}')?.map, 'flags');
  assert.equal(idsOf('{name: storage, type: cgrp_storage, regexps: [a]}')?.type, 'cgrp_storage');
});

test('a counter of a perf event array has its labels in the records', () => {
  const yaml = `metrics:\n  counters:\n    - ${record}, flush_interval: 1m30s, labels: [{name: a, size: 4, padding: 3, decoders: [{name: uint}]}, {name: b, size: 1, decoders: [{name: hex}]}]}`;
  const resolved = plan(yaml, object);
  assert.deepEqual(resolved.perfArrays, [
    { map: 'records', recordBytes: 8, keySize: 8, limit: 16_384, flushMs: 90_000 },
  ]);
  const [table] = resolved.tables;
  assert.deepEqual(table?.source, { kind: 'entries', map: 'records', perCpu: 'no', cache: undefined });
  assert.deepEqual(
    table?.labels.map(({ name, offset, size }) => [name, offset, size]),
    [
      ['a', 0, 4],
      ['b', 7, 1],
    ],
  );
  assert.deepEqual(table?.fields, [{ offset: 0, type: 'u64', count: 1, cell: 0 }]);
});

test('without labels a record is counted whatever is in it, and without an interval for ever', () => {
  for (const interval of ['', ', flush_interval: 0', ', flush_interval: 0s']) {
    const resolved = plan(`metrics: {counters: [${record}${interval}}]}`, object);
    assert.deepEqual(resolved.perfArrays, [{ map: 'records', recordBytes: 0, keySize: 4, limit: 16_384 }]);
    assert.equal(resolved.tables[0]?.keySize, 4);
  }
});

test('what no enabled metric reads is not taken out of its buffers', () => {
  const yaml = `${counter}    - ${record}}\n`;
  assert.equal(plan(yaml, object, { metrics: ['calls'] }).perfArrays, undefined);
});

test('a file with traces alone has nothing to run, and says so', () => {
  const diagnostics = new Diagnostics();
  const file = parseProgramFile('tracing:\n  spans:\n    - {name: exec}\n', 'x.yaml', diagnostics);
  assert.equal(file?.hasOnlyTraces, true);
  assert.equal(file?.valid, true);
  assert.deepEqual(
    diagnostics.warnings.map(({ line, column, message }) => `${line}:${column}: ${message}`),
    ['1:1: "tracing": traces are not exported, and there are no metrics in this file'],
  );
});

test('traces beside metrics take nothing from them', () => {
  const diagnostics = new Diagnostics();
  const file = parseProgramFile(`${counter}tracing: {spans: []}\n`, 'x.yaml', diagnostics);
  assert.equal(file?.hasOnlyTraces, false);
  assert.equal(file?.metrics.length, 1);
  assert.equal(diagnostics.warnings.length, 1);
  assert.deepEqual(plan(`${counter}tracing: {spans: []}\n`, object).discarded, ['spans']);
  assert.equal(plan(counter, object).discarded, undefined);
});

for (const [text, milliseconds] of [
  ['10s', 10_000],
  ['1h30m', 5_400_000],
  ['1.5s', 1500],
  ['.5s', 500],
  ['1h0m0.5s', 3_600_500],
  ['250ms', 250],
  ['250000us', 250],
  ['250000µs', 250],
  ['-10ms', -10],
  ['+10ms', 10],
  ['0', 0],
  ['1000000', 1],
  ['10', 0.00001],
  ['', undefined],
  ['s', undefined],
  ['10 s', undefined],
  ['10sec', undefined],
  ['1d', undefined],
  ['1s2', undefined],
  ['ten', undefined],
  ['1e3s', undefined],
] as const) {
  test(`the duration "${text}" is ${milliseconds} ms`, () => assert.equal(goDuration(text), milliseconds));
}

/** A wrong file in that format, and what is said of it. */
const malformed: readonly (readonly [yaml: string, ...expected: string[]])[] = [
  // YAML itself.
  ['metrics: [', '1:11: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  ['metrics:\n\tcounters: []', '2:1: Tabs are not allowed as indentation'],
  [`${counter}metrics: {}`, '4:1: Map keys must be unique'],
  ['- metrics', '1:1: the file must be a map, not a list'],
  ['metrics', '1:1: the file must be a map, not "metrics"'],
  ['', '1:1: there are no metrics: "metrics" needs "counters", "gauges" or "histograms"'],
  [`${counter}---\n${counter}`, '4:1: a second YAML document begins here; a file has one'],
  // The top.
  ['programs: []', '1:1: "programs": a file of ebpf_exporter\'s version 1'],
  [`${counter}kaddr: [a]`, '4:1: unknown key "kaddr", did you mean "kaddrs"?'],
  ['metrics: {counter: []}', '1:11: unknown key "counter", did you mean "counters"?'],
  ['metrics: {timers: []}', '1:11: unknown key "timers"'],
  ['metrics: {counters: {name: a}}', '1:21: "counters" must be a list, not a map'],
  ['metrics: {counters: [a]}', '1:22: item 1 of "counters" must be a map, not "a"'],
  ['metrics: {counters: [{help: a}]}', '1:22: item 1 of "counters" has no "name"'],
  ['metrics: {counters: [{name: [a]}]}', '1:29: "name" must be a text, not a list'],
  ['metrics: {counters: [{name: ""}]}', '1:29: "name" is empty'],
  ['metrics: {counters: [{name: a b}]}', '1:29: metric name "a b" may have letters'],
  // Labels.
  ['metrics: {counters: [{name: calls, labels: {a: 4}}]}', '1:44: "labels" must be a list, not a map'],
  [
    'metrics: {counters: [{name: calls, labels: [{name: a, size: 4, decoder: []}]}]}',
    '1:64: unknown key "decoder", did you mean "decoders"?',
  ],
  [
    'metrics: {counters: [{name: calls, labels: [{name: a, size: 4b, decoders: [{name: uint}]}]}]}',
    '1:61: "size" must be an integer from 1 to 65536, not "4b"',
  ],
  [
    'metrics: {counters: [{name: calls, labels: [{name: a, size: -4, decoders: [{name: uint}]}]}]}',
    '1:61: "size" must be an integer from 1 to 65536, not "-4"',
  ],
  [
    'metrics: {counters: [{name: calls, labels: [{name: a, size: 8, decoders: [{name: uint}]}]}]}',
    '1:52: the labels cover 8 bytes, but the key of map "calls" has 4',
  ],
  [
    'metrics: {counters: [{name: calls, labels: [{name: a, size: 2, decoders: [{name: uint}]}]}]}',
    '1:52: the labels cover 2 bytes',
  ],
  [
    'metrics: {counters: [{name: calls, labels: [{name: a, size: 4, padding: 4, decoders: [{name: uint}]}]}]}',
    '1:52: the labels cover 8 bytes',
  ],
  [
    'metrics: {counters: [{name: calls, labels: [{name: a, size: 2, decoders: [{name: uint}]}, {name: b, decoders: [{name: uint}]}]}]}',
    '1:98: label "b" has no "size", but the others have',
  ],
  [
    'metrics: {counters: [{name: calls, labels: [{name: a, size: 4, decoders: [{name: uint64}]}]}]}',
    '1:82: unknown decoder "uint64", did you mean "uint"?',
  ],
  [
    'metrics: {counters: [{name: calls, labels: [{name: a, size: 4, decoders: [{static_map: {1: a}}]}]}]}',
    '1:75: item 1 of "decoders" has no "name"',
  ],
  [
    'metrics: {counters: [{name: calls, labels: [{name: a, size: 4, decoders: [{name: static_map, static_map: [a]}]}]}]}',
    '1:106: "static_map" must be a map, not a list',
  ],
  [
    'metrics: {counters: [{name: calls, labels: [{name: a, size: 4, decoders: [{name: static_map, static_map: {1: a}, allow_unknown: maybe}]}]}]}',
    '1:129: "allow_unknown" must be true or false, not "maybe"',
  ],
  [
    'metrics: {counters: [{name: calls, labels: [{name: a, size: 4, decoders: [{name: regexp, regexps: ["("]}]}]}]}',
    '1:82: decoder regexp: "(": ',
  ],
  [
    'metrics: {counters: [{name: calls, labels: [{name: a, size: 4, decoders: [{name: regexp, regexps: a}]}]}]}',
    '1:99: "regexps" must be a list, not "a"',
    '1:82: decoder regexp: it has no regexps',
  ],
  // Histograms.
  ['metrics: {histograms: [{name: calls, bucket_type: log2}]}', '1:51: "bucket_type": unknown value "log2"'],
  [
    'metrics: {histograms: [{name: calls, bucket_type: exp2, bucket_min: 5, bucket_max: 2, labels: [{name: b, size: 4, decoders: [{name: uint}]}]}]}',
    '1:84: bucket_max is 2, which is below bucket_min 5',
  ],
  [
    'metrics: {histograms: [{name: calls, bucket_type: exp2, bucket_min: 0, bucket_max: 1.5}]}',
    '1:84: "bucket_max" must be an integer of at least 0, not "1.5"',
  ],
  [
    'metrics: {histograms: [{name: calls, bucket_type: fixed, labels: [{name: b, size: 4, decoders: [{name: uint}]}]}]}',
    '1:51: bucket_type fixed needs "bucket_keys"',
  ],
  [
    'metrics: {histograms: [{name: calls, bucket_type: fixed, bucket_keys: [2, 1]}]}',
    '1:75: "bucket_keys" must ascend, but 1 comes behind 2',
  ],
  [
    'metrics: {histograms: [{name: calls, bucket_type: fixed, bucket_keys: 5}]}',
    '1:71: "bucket_keys" must be a list, not "5"',
  ],
  [
    'metrics: {histograms: [{name: calls, bucket_multiplier: -1}]}',
    '1:57: "bucket_multiplier" must be a number of at least 0, not "-1"',
  ],
  // kaddrs.
  [`kaddrs: vfs_read\n${counter}`, '1:9: "kaddrs" must be a list, not "vfs_read"'],
  [`kaddrs: [""]\n${counter}`, '1:10: item 1 of "kaddrs" is empty'],
  [`kaddrs: [vfs_read, vfs_read]\n${counter}`, '1:20: symbol "vfs_read" is there twice'],
  [
    `kaddrs: [vfs_reed]\n${counter}`,
    '1:10: kaddrs: no constant "kaddr_vfs_reed" in .rodata of x.bpf.o, did you mean "kaddr_vfs_read"?',
  ],
  [`kaddrs: [later]\n${counter}`, '1:10: kaddrs: no constant "kaddr_later" in .rodata of x.bpf.o'],
  [`kaddrs: [narrow]\n${counter}`, '1:10: kaddrs: constant "kaddr_narrow" is u32, but an address takes a u64'],
  [`kaddrs: [array]\n${counter}`, '1:10: kaddrs: constant "kaddr_array" is '],
  // cgroup_id_map.
  [`cgroup_id_map: ids\n${counter}`, '1:16: "cgroup_id_map" must be a map, not "ids"'],
  [`cgroup_id_map: {regexps: [a]}\n${counter}`, '1:16: "cgroup_id_map" has no "name"'],
  [`cgroup_id_map: {name: ids}\n${counter}`, '1:16: "cgroup_id_map" has no "regexps"'],
  [
    `cgroup_id_map: {name: ids, regexps: []}\n${counter}`,
    '1:37: "regexps" has no regexps, so that no cgroup would be in the map',
  ],
  [`cgroup_id_map: {name: ids, regexps: ["[z-a]"]}\n${counter}`, '1:38: "[z-a]": '],
  [`cgroup_id_map: {name: ids, type: array, regexps: [a]}\n${counter}`, '1:34: "type": unknown value "array"'],
  [
    `cgroup_id_map: {name: ids, kind: hash, regexps: [a]}\n${counter}`,
    '1:28: unknown key "kind"; known: name, type, regexps',
  ],
  [`cgroup_id_map: {name: idz, regexps: [a]}\n${counter}`, '1:23: no BPF map "idz" in x.bpf.o, did you mean "ids"?'],
  [`cgroup_id_map: {name: storage, regexps: [a]}\n${counter}`, '1:23: map "storage" is of type cgrp_storage, not hash'],
  [
    `cgroup_id_map: {name: ids, type: cgrp_storage, regexps: [a]}\n${counter}`,
    '1:34: map "ids" is of type hash, not cgrp_storage',
  ],
  [
    `cgroup_id_map: {name: narrow_ids, regexps: [a]}\n${counter}`,
    '1:23: map "narrow_ids" has a key of 4 and a value of 8 bytes: as "cgroup_id_map" it needs 8 and at most 8',
  ],
  [
    `cgroup_id_map: {name: wide_ids, regexps: [a]}\n${counter}`,
    '1:23: map "wide_ids" has a key of 8 and a value of 16 bytes: as "cgroup_id_map" it needs 8 and at most 8',
  ],
  // Perf event arrays.
  [
    `metrics: {counters: [${record}, labels: [{name: a, decoders: [{name: uint}]}]}]}`,
    '1:93: map "records" has no BTF type for its key: give every label its "size"',
  ],
  [`metrics: {counters: [${record}, labels: [{name: a, size: 4}]}]}`, '1:93: label "a" needs "decoders"'],
  [
    `metrics: {counters: [{name: calls, perf_event_array: true, labels: [${label}]}]}`,
    '1:29: map "calls" is of type hash, but "perf_event_array" says otherwise',
  ],
  [
    `metrics: {counters: [{name: recods, perf_event_array: true, labels: [${label}]}]}`,
    '1:29: no BPF map "recods" in x.bpf.o, did you mean "records"?',
  ],
  [
    `metrics: {counters: [{name: records, labels: [${label}]}]}`,
    '1:29: map "records" is of type perf_event_array, from which no metrics are read; a counter with "perf_event_array: true" counts its records',
  ],
  [
    `metrics: {counters: [${record}, flush_interval: often}]}`,
    '1:93: "flush_interval" must be a duration such as 10s or 1h30m, not "often"',
  ],
  [
    `metrics: {counters: [${record}, flush_interval: -1s}]}`,
    '1:93: "flush_interval" must be a duration such as 10s or 1h30m, not "-1s"',
  ],
  [
    'metrics: {counters: [{name: calls, flush_interval: 10s}]}',
    '1:52: "flush_interval" is for counters with "perf_event_array: true"',
  ],
  [
    `metrics: {counters: [${record}}, {name: other, map: records, perf_event_array: true}]}`,
    '1:97: the records of "records" are counted by another counter already',
  ],
  [
    'metrics: {counters: [{name: records, perf_event_array: perhaps}]}',
    '1:56: "perf_event_array" must be true or false, not "perhaps"',
  ],
  ['metrics: {histograms: [{name: records, perf_event_array: true}]}', '1:40: unknown key "perf_event_array"'],
  [
    `maps: {records: {per_cpu: sum}}\nmetrics: {counters: [${record}}]}`,
    '2:29: map "records" is described in "maps": a perf event array has its labels here',
  ],
];

/** What is wrong with a file of who comes from ebpf_exporter, and what it is told of besides. */
function told(yaml: string, readsAsExporter: boolean) {
  const diagnostics = new Diagnostics({ readsAsExporter });
  const file = parseProgramFile(yaml, 'x.yaml', diagnostics);
  const resolved = file && resolveProgram(file, object, options, diagnostics);
  const line = ({ line, column, message }: Diagnostic) => `${line}:${column}: ${message}`;
  return { resolved, errors: diagnostics.errors.map(line), warnings: diagnostics.warnings.map(line) };
}

test('keys that nobody knows are passed over where that is wanted, and told', () => {
  const yaml = `x-labels: &labels [${label}]
metrics:
  counters:
    - {name: calls, help: Calls, table: calls, lables: [], labels: *labels}
`;
  const { resolved, errors, warnings } = told(yaml, true);
  assert.deepEqual(errors, []);
  assert.deepEqual(
    warnings.map((warning) => warning.replace(/; known: .*/, '')),
    [
      '1:1: unknown key "x-labels" is passed over',
      '4:34: unknown key "table" is passed over',
      '4:48: unknown key "lables" is passed over, did you mean "labels"?',
    ],
  );
  assert.equal(resolved?.tables[0]?.labels[0]?.name, 'a');
  assert.deepEqual(
    told(yaml, false).errors.map((error) => error.replace(/[;,] .*/, '')),
    ['1:1: unknown key "x-labels"', '4:34: unknown key "table"', '4:48: unknown key "lables"'],
  );
});

test("what Go's YAML reads as a boolean or as an empty text, and keys that another bucket type has", () => {
  for (const word of ['yes', 'on', 'On', 'true']) {
    const file = parseProgramFile(
      `metrics: {counters: [{name: r, perf_event_array: ${word}, labels: [{name: a, size: 1, decoders: [{name: static_map, allow_unknown: ${word}, static_map: {1: ~, 2: }}]}]}]}`,
      'x.yaml',
      new Diagnostics(),
    );
    assert.ok(file?.valid, word);
    const [metric] = file.metrics;
    assert.equal(metric?.perfEventArray, true);
    const [decoder] = metric!.labels[0]!.decoders;
    assert.equal(decoder?.allowUnknown, true);
    assert.deepEqual(
      decoder?.staticMap,
      new Map([
        ['1', ''],
        ['2', ''],
      ]),
    );
  }
  const histogram = (rest: string) =>
    `metrics: {histograms: [{name: calls, bucket_type: linear, ${rest}, labels: [{name: b, size: 4, decoders: [{name: uint}]}]}]}`;
  assert.deepEqual(told(histogram('bucket_max: 2, bucket_keys: [1, 2]'), false).warnings, [
    '1:87: "bucket_keys" mean nothing with bucket_type linear',
  ]);
  const [metric] = plan(histogram('bucket_min: 3, bucket_max: 3'), object).tables[0]!.metrics;
  assert.deepEqual(metric?.kind === 'histogram' && metric.bounds, [3]);
  for (const word of ['"yes"', 'y', 'nope']) {
    assert.match(
      errors(`metrics: {counters: [{name: records, perf_event_array: ${word}}]}`, object)[0]!,
      /"perf_event_array" must be true or false, not/,
    );
  }
});

const bucket = 'labels: [{name: b, size: 4, decoders: [{name: uint}]}]';
const fixed = (keys: string, more = '') =>
  `metrics: {histograms: [{name: calls, bucket_type: fixed, bucket_keys: ${keys}${more}, ${bucket}}]}`;

/** What a histogram of these buckets exports, and by which keys. */
function histogramOf(yaml: string) {
  const { resolved, errors, warnings } = told(yaml, true);
  assert.deepEqual(errors, []);
  const table = resolved?.tables[0];
  const metric = table?.metrics[0];
  assert.ok(table?.bucketKey !== undefined && metric?.kind === 'histogram');
  assert.ok(metric.sum !== undefined && metric.sum.cell < table.width);
  assert.equal(metric.sum.cell, metric.bounds.length);
  return { bounds: metric.bounds, columns: [...table.bucketKey.columns], warnings };
}

for (const [what, keys, bounds, columns, warning] of [
  [
    'unsorted',
    '[1, 3, 2]',
    [1, 2, 3],
    [
      [1, 0],
      [2, 1],
      [3, 2],
    ],
    '1:78: "bucket_keys": 2 comes behind 3; they are sorted',
  ],
  [
    'there twice',
    '[1, 2, 2]',
    [1, 2],
    [
      [1, 0],
      [2, 1],
      [3, 2],
    ],
    '1:78: "bucket_keys": 2 comes behind 2; they are sorted',
  ],
  [
    'fractional',
    '[0.5, 1]',
    [0.5, 1],
    [
      [0.5, 0],
      [1, 1],
      [2, 2],
    ],
    '1:71: no key is ever 0.5, which is no unsigned integer',
  ],
  [
    'fractional at the end',
    '[1, 1.5]',
    [1, 1.5],
    [
      [1, 0],
      [1.5, 1],
      [2.5, 2],
    ],
    '1:71: no key is ever 1.5, which is no unsigned integer',
  ],
  [
    'negative',
    '[-1, 1]',
    [-1, 1],
    [
      [-1, 0],
      [1, 1],
      [2, 2],
    ],
    '1:71: no key is ever -1, which is no unsigned integer',
  ],
  [
    'with underscores',
    '[1, 1_0]',
    [1, 10],
    [
      [1, 0],
      [10, 1],
      [11, 2],
    ],
    '1:75: item 2 of "bucket_keys": 1_0 is read as 10',
  ],
  [
    'octal',
    '[1, 010]',
    [1, 8],
    [
      [1, 0],
      [8, 1],
      [9, 2],
    ],
    '1:75: item 2 of "bucket_keys": 010 is read as 8',
  ],
] as const) {
  test(`bucket keys are taken that ebpf_exporter takes: ${what}`, () => {
    assert.deepEqual(histogramOf(fixed(keys)), { bounds, columns, warnings: [warning] });
    const { errors, warnings } = told(fixed(keys), false);
    assert.ok(errors.length + warnings.length > 0);
  });
}

test('numbers are read as YAML 1.1 has them, which is told where it makes a difference', () => {
  const histogram = (min: string, max: string, type = 'linear') =>
    `metrics: {histograms: [{name: calls, bucket_type: ${type}, bucket_min: ${min}, bucket_max: ${max}, ${bucket}}]}`;
  assert.deepEqual(histogramOf(histogram('010', '1_0')), {
    bounds: [8, 9, 10],
    columns: [
      [8, 0],
      [9, 1],
      [10, 2],
      [11, 3],
    ],
    warnings: ['1:71: "bucket_min": 010 is read as 8', '1:88: "bucket_max": 1_0 is read as 10'],
  });
  assert.deepEqual(histogramOf(histogram('1.5', '2')), {
    bounds: [1, 2],
    columns: [
      [1, 0],
      [2, 1],
      [3, 2],
    ],
    warnings: ['1:71: "bucket_min": 1.5 is read as 1'],
  });
  assert.deepEqual(histogramOf(histogram('-1', '1')), {
    bounds: [-1, 0, 1],
    columns: [
      [-1, 0],
      [0, 1],
      [1, 2],
      [2, 3],
    ],
    warnings: ['1:71: "bucket_min" is -1, but no bucket below 0 is ever counted'],
  });
  assert.deepEqual(histogramOf(histogram('', '1')).bounds, [0, 1]);
  for (const [min, max, type, error] of [
    ['-1', '1', 'exp2zero', '1:73: bucket_min is -1; with bucket_type exp2zero it is at least 0'],
    ['-1_000_000', '9', 'exp2', '1:93: bucket_max is 9; with bucket_type exp2 it is at most -990001'],
    ['"8"', '9', 'linear', '1:71: "bucket_min" must be an integer, not "8"'],
    ['1:30', '99', 'linear', '1:71: "bucket_min" must be an integer, not "1:30"'],
  ] as const) {
    assert.deepEqual(told(histogram(min, max, type), true).errors, [error]);
  }
  // Elsewhere it is what YAML 1.2 says, and told as well.
  const { resolved, warnings } = told(histogram('010', '10'), false);
  const [metric] = resolved!.tables[0]!.metrics;
  assert.deepEqual(metric?.kind === 'histogram' && metric.bounds, [10]);
  assert.deepEqual(warnings, [
    '1:71: "bucket_min": 010 is read as 10, by YAML 1.1 in octal: leave out the zero in front',
  ]);
});

test('of a key that is there twice the last counts, unless two maps would have to become one', () => {
  const counterWith = (decoder: string) =>
    `metrics: {counters: [{name: calls, help: a, labels: [{name: a, size: 4, decoders: [{name: uint}, {${decoder}}]}]}]}`;
  const decoderOf = (yaml: string) => {
    const { resolved, errors, warnings } = told(yaml, true);
    assert.deepEqual(errors, []);
    return { decoder: resolved!.tables[0]!.labels[0]!.decoders[1], warnings };
  };
  const twice = counterWith('name: static_map, static_map: {1: a, 2: b, 1: c, 0x1: d}');
  assert.deepEqual(decoderOf(twice), {
    decoder: {
      name: 'static_map',
      staticMap: new Map([
        ['1', 'c'],
        ['2', 'b'],
        ['0x1', 'd'],
      ]),
    },
    warnings: ['1:142: "1" is there already, and the last one counts'],
  });
  assert.deepEqual(told(twice, false).errors, ['1:142: Map keys must be unique']);
  const help = told(counterWith('name: hex').replace('help: a', 'help: a, help: b'), true);
  assert.equal(help.resolved?.tables[0]?.metrics[0]?.help, 'b');
  assert.deepEqual(told(`${counter}metrics: {histograms: []}`, true).errors, [
    '4:1: "metrics" is there already: write the two maps as one',
  ]);

  for (const without of ['name: static_map', 'name: static_map, static_map: ~', 'name: static_map, static_map:']) {
    assert.deepEqual(decoderOf(counterWith(without)), {
      decoder: { name: 'static_map', staticMap: new Map(), otherwise: 'empty mapping' },
      warnings: ['1:105: decoder static_map: it has no static_map, so the label is always "empty mapping"'],
    });
  }
  assert.match(told(counterWith('name: static_map'), false).errors[0]!, /decoder static_map: it has no static_map/);
  assert.deepEqual(decoderOf(counterWith('name: static_map, static_map: {}')), {
    decoder: { name: 'static_map', staticMap: new Map() },
    warnings: [],
  });
});

test('what means nothing or is there twice is passed over', () => {
  const flushed = told(`metrics: {counters: [{name: calls, flush_interval: 10s, labels: [${label}]}]}`, true);
  assert.deepEqual(
    [flushed.errors, flushed.warnings],
    [[], ['1:52: "flush_interval" is for counters with "perf_event_array: true"']],
  );
  assert.equal(flushed.resolved?.perfArrays, undefined);
  const symbols = told(`kaddrs: [vfs_read, vfs_read]\n${counter}`, true);
  assert.deepEqual([symbols.errors, symbols.warnings], [[], ['1:20: symbol "vfs_read" is there twice']]);
  assert.deepEqual(symbols.resolved?.addresses, new Map([['kaddr_vfs_read', 'vfs_read']]));
});

test('y and n are booleans to it', () => {
  for (const [word, value] of [
    ['y', true],
    ['N', false],
  ] as const) {
    const file = parseProgramFile(
      `metrics: {counters: [{name: r, perf_event_array: ${word}}]}`,
      'x.yaml',
      new Diagnostics({ readsAsExporter: true }),
    );
    assert.equal(file?.metrics[0]?.perfEventArray, value);
  }
});

test('a last --- begins nothing, and what a second document has is passed over as there', () => {
  for (const end of ['---', '---\n', '---\n\n# the end\n...\n', '...\n---\n', '--- # nothing\n---\n']) {
    for (const readsAsExporter of [false, true]) {
      const { resolved, errors, warnings } = told(counter + end, readsAsExporter);
      assert.deepEqual([errors, warnings], [[], []], JSON.stringify(end));
      assert.equal(resolved?.tables.length, 1);
    }
  }
  for (const second of ['metrics: {}\n', '{{{', 'a: [', '~']) {
    const { resolved, errors, warnings } = told(`${counter}---\n${second}`, true);
    assert.deepEqual([errors, warnings], [[], ['4:1: a second YAML document, which is passed over']]);
    assert.equal(resolved?.tables.length, 1);
    assert.equal(
      told(`${counter}---\n${second}`, false).errors[0],
      '4:1: a second YAML document begins here; a file has one',
    );
  }
  assert.deepEqual(told(`---\n---\n${counter}`, true).resolved, undefined);
});

for (const [yaml, ...expected] of malformed) {
  test(`malformed: ${expected[0]}`, () => {
    const found = errors(yaml, object);
    for (const message of expected) {
      assert.ok(
        found.some((one) => one.startsWith(`x.yaml:${message}`)),
        found.join('\n'),
      );
    }
  });
}
