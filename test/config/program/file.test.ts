import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProgramFile } from '../../../src/config/program/file.ts';
import { Diagnostics } from '../../../src/config/yaml/diagnostic.ts';
import { texts } from '../resolve/resolving.ts';

const start = 'metrics:\n  histograms:\n    - name: a\n      ';

// One mistake each; the place is where a reader would put the finger.
const wrong: readonly (readonly [string, string])[] = [
  ['metrics: {counters: []}\nmetric: {}', '2:1: unknown key "metric", did you mean "metrics"?'],
  ['metrics: {counter: []}', '1:11: unknown key "counter", did you mean "counters"?'],
  ['metrics: {counters: []}\nexpensive: 1', '2:12: "expensive" must be true or false, not "1"'],
  ['metrics: {counters: []}\nconstants: {a: 1.5}', '2:16: "a" must be an integer, not "1.5"'],
  ['metrics: {counters: []}\nmaps: {a: {indexes: []}}', '2:12: unknown key "indexes", did you mean "index"?'],
  ['metrics: {counters: []}\nmaps: {a: {index: [cpu, cpu]}}', '2:25: index "cpu" is there twice'],
  ['metrics: {counters: []}\nmaps: {a: {zeros: 1}}', '2:19: "zeros" must be true or false, not "1"'],
  ['metrics: {counters: []}\nmaps: {a: 5}', '2:11: "a" must be a map, not "5"'],
  ['metrics:\n  counters:\n    - {help: x}', '3:7: item 1 of "counters" has no "name"'],
  ['metrics:\n  counters:\n    - {name: ""}', '3:14: "name" is empty'],
  [
    'metrics:\n  counters:\n    - {name: a b}',
    '3:14: metric name "a b" may have letters, digits and _ . - / only, at most 200',
  ],
  ['metrics:\n  counters:\n    - {name: a}\n  gauges:\n    - name: a', '5:13: metric "a" is there already, in line 3'],
  [
    'metrics:\n  counters:\n    - {name: a, unit: a b}',
    '3:23: unit "a b" is not UCUM: at most 63 ASCII characters, no spaces',
  ],
  [
    'metrics:\n  counters:\n    - {name: a, slots: b}',
    '3:17: unknown key "slots"; known: name, help, unit, map, labels, field, in, needs, expensive, perf_event_array, flush_interval',
  ],
  ['metrics:\n  counters:\n    - {name: a, values: [{name: b}]}', '3:17: "values" is not supported by this version'],
  ['metrics:\n  counters:\n    - {name: a, in: usec}', '3:21: "in": unknown value "usec", did you mean "us"?'],
  [`${start}lables: []`, '4:7: unknown key "lables", did you mean "labels"?'],
  [`${start}labels: [{size: 4}]`, '4:16: item 1 of "labels" has no "name"'],
  [`${start}labels: [{name: x}, {name: x}]`, '4:27: label "x" is there twice'],
  [`${start}labels: [{name: x y}]`, '4:23: label name "x y" has spaces or control characters'],
  [`${start}labels: [{name: x, size: 0}]`, '4:32: "size" must be an integer from 1 to 65536, not "0"'],
  [`${start}labels: [{name: x, size: four}]`, '4:32: "size" must be an integer from 1 to 65536, not "four"'],
  [`${start}labels: [{name: x, size: 4, padding: -1}]`, '4:44: "padding" must be an integer from 0 to 65536, not "-1"'],
  [
    `${start}labels: [{name: x, size: 4, field: y}]`,
    '4:32: a label has "field" or "size", not both: the field\'s type tells its size',
  ],
  [`${start}labels: [{name: x, decoders: uint}]`, '4:36: "decoders" must be a list, not "uint"'],
  [`${start}labels: [{name: x, decoders: [uint]}]`, '4:37: item 1 of "decoders" must be a map, not "uint"'],
  [`${start}labels: [{name: x, decoders: [{}]}]`, '4:37: item 1 of "decoders" has no "name"'],
  [`${start}labels: [{name: x, decoders: [{name: uitn}]}]`, '4:44: unknown decoder "uitn", did you mean "uint"?'],
  [`${start}labels: [{name: x, decoders: [{name: kstak}]}]`, '4:44: unknown decoder "kstak", did you mean "kstack"?'],
  [
    `${start}labels: [{name: x, decoders: [{name: static_map}]}]`,
    '4:44: decoder static_map: it has no static_map. Give it `static_map: {TEXT: NAME, …}`.',
  ],
  [
    `${start}labels: [{name: x, decoders: [{name: static_map, static_map: {1: [a]}}]}]`,
    '4:72: "1" must be a text, not a list',
  ],
  [
    `${start}labels: [{name: x, decoders: [{name: regexp}]}]`,
    '4:44: decoder regexp: it has no regexps. Give it `regexps: [REGEXP, …]`.',
  ],
  [`${start}bucket_type: exp3`, '4:20: "bucket_type": unknown value "exp3", did you mean "exp2"?'],
  [`${start}bucket_min: -1`, '4:19: "bucket_min" must be an integer of at least 0, not "-1"'],
  [`${start}bucket_max: many`, '4:19: "bucket_max" must be an integer of at least 0, not "many"'],
  [`${start}bucket_multiplier: x`, '4:26: "bucket_multiplier" must be a number of at least 0, not "x"'],
  [`${start}bucket_keys: [1, 5, 3]`, '4:27: "bucket_keys" must ascend, but 3 comes behind 5'],
  [`${start}bucket_keys: [1, x]`, '4:24: item 2 of "bucket_keys" must be a number, not "x"'],
  [`${start}bucket_keys: []`, '4:20: "bucket_keys" has no keys'],
  [`${start}needs: {constant: [a]}`, '4:15: unknown key "constant", did you mean "constants"?'],
  [`${start}needs: {constants: a}`, '4:26: "constants" must be a list, not "a"'],
];

for (const [yaml, expected] of wrong) {
  test(`wrong: ${expected}`, () => {
    const diagnostics = new Diagnostics();
    const file = parseProgramFile(yaml, 'x.yaml', diagnostics);
    assert.deepEqual(texts(diagnostics), [`x.yaml:${expected}`]);
    assert.equal(file?.valid, false);
  });
}

test('all errors of a file are told at once', () => {
  const diagnostics = new Diagnostics();
  const yaml = 'a: 1\nmetrics:\n  counters:\n    - {b: 1}\n  histograms:\n    - {name: c, bucket_type: d}\n';
  parseProgramFile(yaml, 'x.yaml', diagnostics);
  assert.deepEqual(
    diagnostics.errors.map(({ line, column }) => [line, column]),
    [
      [1, 1],
      [4, 7],
      [4, 8],
      [6, 30],
    ],
  );
});

test('tracing is left out with a warning', () => {
  const diagnostics = new Diagnostics();
  const file = parseProgramFile('metrics: {counters: [{name: a}]}\ntracing: {spans: []}', 'x.yaml', diagnostics);
  assert.equal(file?.valid, true);
  assert.deepEqual(
    diagnostics.warnings.map(({ line, column, message }) => [line, column, message]),
    [[2, 1, '"tracing": traces are not exported, only the metrics of this file']],
  );
});

test("a file's parts are kept with their places", () => {
  const diagnostics = new Diagnostics();
  const yaml = `description: What
expensive: true
constants: {a: 0x10, b: true, c: 18446744073709551615, d: -1}
maps:
  m:
metrics:
  gauges:
    - {name: g, map: m, help: 2048}
`;
  const file = parseProgramFile(yaml, 'dir/block.yaml', diagnostics)!;
  assert.deepEqual(texts(diagnostics), []);
  assert.equal(file.name, 'block');
  assert.equal(file.description, 'What');
  assert.equal(file.expensive, true);
  assert.deepEqual(
    [...file.constants].map(([name, { value }]) => [name, value]),
    [
      ['a', 16n],
      ['b', 1n],
      ['c', 18446744073709551615n],
      ['d', -1n],
    ],
  );
  assert.equal(file.maps.get('m')?.map.value, 'm');
  const [metric] = file.metrics;
  assert.equal(metric?.kind, 'gauge');
  assert.equal(metric?.help, '2048');
  assert.deepEqual(metric?.name, {
    value: 'g',
    at: {
      file: 'dir/block.yaml',
      line: 8,
      column: 14,
      excerpt: '    - {name: g, map: m, help: 2048}',
    },
  });
});

for (const [unit, meant] of [
  ['second', '"s" is, and Prometheus gets _seconds'],
  ['Seconds', '"s" is, and Prometheus gets _seconds'],
  ['bytes', '"By" is, and Prometheus gets _bytes'],
  ['B', '"By" is, and Prometheus gets _bytes'],
  ['usec', '"us" is, and Prometheus gets _microseconds'],
] as const) {
  test(`the word ${unit} for a unit is warned of`, () => {
    const diagnostics = new Diagnostics();
    parseProgramFile(`metrics: {counters: [{name: a, unit: ${unit}}]}`, 'x.yaml', diagnostics);
    assert.deepEqual(
      diagnostics.warnings.map(({ line, column, message }) => `${line}:${column}: ${message}`),
      [`1:38: unit "${unit}" is a word, not UCUM; ${meant}`],
    );
    assert.equal(diagnostics.hasErrors, false);
  });
}

test('UCUM, annotations and words of nobody are not warned of', () => {
  for (const unit of ['s', 'ms', 'By', 'KiBy', '%', '1', '"{packet}"', 'd', 'b', 'J', 'Cel', 'xyz', '"By/s"']) {
    const diagnostics = new Diagnostics();
    parseProgramFile(`metrics: {counters: [{name: a, unit: ${unit}}]}`, 'x.yaml', diagnostics);
    assert.deepEqual(diagnostics.warnings, [], unit);
  }
});

test("a file of ebpf_exporter's version 1 is told by what it is", () => {
  const diagnostics = new Diagnostics();
  const yaml = 'programs:\n  - name: bio\n    metrics: {counters: []}\n    code: |\n      int x;';
  assert.equal(parseProgramFile(yaml, 'x.yaml', diagnostics), undefined);
  assert.deepEqual(texts(diagnostics), [
    'x.yaml:1:1: "programs": a file of ebpf_exporter\'s version 1, which has the C in the YAML; put the C into NAME.bpf.c, compile it to NAME.bpf.o, and leave "metrics" of the program in NAME.yaml, as https://github.com/cloudflare/ebpf_exporter has them since version 2',
  ]);
});
