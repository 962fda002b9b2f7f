import assert from 'node:assert/strict';
import { test } from 'node:test';
import { config, problems } from './read.ts';

const head = 'file_format: "1.1"\n';

test('a file with nothing in it has the defaults and no readers', () => {
  assert.deepEqual(config(head), {
    disabled: false,
    logLevel: undefined,
    namespace: 'ebpf',
    resourceAttributes: {},
    resourceSchemaUrl: undefined,
    readers: [],
    programs: { directories: undefined, only: undefined, overrides: new Map() },
    bpfStats: false,
    strict: false,
  });
  for (const key of ['disabled', 'log_level', 'resource', 'meter_provider', 'distribution']) {
    assert.deepEqual(problems(`${head}${key}:\n`), [], key);
  }
});

const formats: readonly [line: string, expected: readonly string[]][] = [
  ['file_format: "1.0"', []],
  ["file_format: '1.1'", []],
  ['file_format: "1.2"', ['1:14 "file_format": "1.2" isn\'t supported by this version; use "1.0" or "1.1"']],
  ['file_format: "0.4"', ['1:14 "file_format": "0.4" isn\'t supported by this version; use "1.0" or "1.1"']],
  ['file_format: "1.1-rc.1"', ['1:14 "file_format": "1.1-rc.1" isn\'t supported by this version; use "1.0" or "1.1"']],
  ['file_format:', ['1:13 "file_format": "" isn\'t supported by this version; use "1.0" or "1.1"']],
  ['file_format: 1.1', ['1:14 "file_format" must be a string, not "1.1"']],
  ['file_format: [1]', ['1:14 "file_format" must be a text, not a list']],
  ['disabled: false', ['1:1 the file has no "file_format"']],
  ['', ['1:1 the file has no "file_format"']],
  ['- a', ['1:1 the file must be a map, not a list']],
  ['just text', ['1:1 the file must be a map, not "just text"']],
];

for (const [line, expected] of formats) {
  test(`file_format: ${JSON.stringify(line)}`, () => assert.deepEqual(problems(line), expected));
}

const levels: readonly [string, string][] = [
  ['trace', 'debug'],
  ['trace4', 'debug'],
  ['debug', 'debug'],
  ['debug2', 'debug'],
  ['info', 'info'],
  ['info3', 'info'],
  ['warn', 'warn'],
  ['warn4', 'warn'],
  ['error', 'error'],
  ['error2', 'error'],
  ['fatal', 'error'],
  ['fatal4', 'error'],
];

for (const [level, expected] of levels) {
  test(`log_level ${level} is ${expected}`, () => {
    assert.equal(config(`${head}log_level: ${level}\n`).logLevel, expected);
  });
}

test('disabled', () => assert.equal(config(`${head}disabled: true\n`).disabled, true));

const accepted = [
  'propagator: {composite: [{tracecontext: }, {baggage: }]}',
  'attribute_limits: {attribute_count_limit: 128}',
  'instrumentation/development: {general: {}}',
  'x-anchors: {a: 1}',
  'distribution: {other_vendor: {anything: 1}}',
];

for (const line of accepted) {
  test(`accepted: ${line}`, () => assert.deepEqual(problems(`${head}${line}\n`), []));
}

const rejected: readonly [line: string, expected: readonly string[]][] = [
  [
    'tracer_provider: {}',
    ['2:1 "tracer_provider" isn\'t supported by this version; no traces are exported, remove it'],
  ],
  ['logger_provider:', ['2:1 "logger_provider" isn\'t supported by this version; no logs are exported, remove it']],
  ['meter_providers: {}', ['2:1 unknown key "meter_providers", did you mean "meter_provider"?']],
  ['something: {}', ['2:1 unknown key "something", nothing is done with it']],
  ['disabled: no', ['2:11 "disabled" must be true or false, not "no"']],
  ['log_level: errors', ['2:12 "log_level": unknown value "errors", did you mean "error"?']],
  [
    'resource: {detection/development: {detectors: [{hots: }, {host: {a: 1}}]}}',
    ['2:49 unknown key "hots", did you mean "host"?', '2:66 unknown key "a"'],
  ],
  ['resource: {attribute: []}', ['2:12 unknown key "attribute", did you mean "attributes"?']],
  ['resource: text', ['2:11 "resource" must be a map, not "text"']],
  ['resource: {schema_url: 1}', ['2:24 "schema_url" must be a string, not "1"']],
  ['resource: {attributes_list: "a"}', ['2:29 "attributes_list" must be KEY=VALUE,KEY=VALUE: entry 1 has no "="']],
  [
    'resource: {attributes_list: "a=1,=2"}',
    ['2:29 "attributes_list" must be KEY=VALUE,KEY=VALUE: entry 2 has nothing before its "="'],
  ],
  [
    'resource: {attributes_list: "a=%"}',
    [
      '2:29 "attributes_list" must be KEY=VALUE,KEY=VALUE: entry 1 has a "%" that isn\'t followed by two hexadecimal digits',
    ],
  ],
  [
    'resource: {attributes_list: "a=1,..name__=2"}',
    [
      `2:29 "attributes_list": attribute "..name__" is on no Prometheus page, where names that begin with "__" are Prometheus's own`,
    ],
  ],
  [
    'resource: {attributes: [{name: __name__, value: a}]}',
    [`2:32 attribute "__name__" is on no Prometheus page, where names that begin with "__" are Prometheus's own`],
  ],
  ['resource: {attributes: [{value: 1}]}', ['2:25 item 1 of "attributes" has no "name"']],
  ['resource: {attributes: [{name: a}]}', ['2:25 item 1 of "attributes" has no "value"']],
  ['resource: {attributes: [{name: "", value: a}]}', ['2:25 item 1 of "attributes": "name" is empty']],
  ['resource: {attributes: [{name: a, value: b, typ: int}]}', ['2:45 unknown key "typ", did you mean "type"?']],
  ['resource: {attributes: [{name: a, value: b, type: int}]}', ['2:42 "value" must be an integer, not "b"']],
  ['resource: {attributes: [{name: a, value: 1.5, type: int}]}', ['2:42 "value" must be an integer, not "1.5"']],
  ['resource: {attributes: [{name: a, value: b, type: double}]}', ['2:42 "value" must be a number, not "b"']],
  ['resource: {attributes: [{name: a, value: 1, type: bool}]}', ['2:42 "value" must be true or false, not "1"']],
  [
    'resource: {attributes: [{name: a, value: [1, b], type: int_array}]}',
    ['2:46 item 2 of "value" must be an integer, not "b"'],
  ],
  ['resource: {attributes: [{name: a, value: [1]}]}', ['2:42 "value" must be a text, not a list']],
  [
    'resource: {attributes: [{name: a, value: 1, type: integer}]}',
    [
      '2:51 "type": unknown value "integer"; known: string, bool, int, double, string_array, bool_array, int_array, double_array',
    ],
  ],
  ['disabled: false\ndisabled: true', ['3:1 Map keys must be unique']],
];

for (const [line, expected] of rejected) {
  test(`rejected: ${line}`, () => assert.deepEqual(problems(`${head}${line}\n`), expected));
}

const attributes: readonly [entry: string, value: unknown][] = [
  ['value: text', 'text'],
  ['value: 1.10', '1.10'],
  ['value: true, type: string', 'true'],
  ['value: true, type: bool', true],
  ['value: 3, type: int', 3],
  ['value: 0.5, type: double', 0.5],
  ['value: 3, type: double', 3],
  ['value: [a, 1.0], type: string_array', ['a', '1.0']],
  ['value: [true, false], type: bool_array', [true, false]],
  ['value: [1, 2], type: int_array', [1, 2]],
  ['value: [1.5, 2], type: double_array', [1.5, 2]],
];

for (const [entry, value] of attributes) {
  test(`resource attribute {${entry}}`, () => {
    const { resourceAttributes } = config(`${head}resource: {attributes: [{name: a, ${entry}}]}\n`);
    assert.deepEqual(resourceAttributes, { a: value });
  });
}

test('attributes win over attributes_list, and a value that is nothing is ignored', () => {
  const text = `${head}resource:
  schema_url: https://opentelemetry.io/schemas/1.44.0
  attributes_list: a=1, b=x%2Cy ,c=3
  attributes:
    - {name: a, value: "2"}
    - {name: c, value: }
`;
  const { resourceAttributes, resourceSchemaUrl } = config(text);
  assert.deepEqual(resourceAttributes, { a: '2', b: 'x,y', c: '3' });
  assert.equal(resourceSchemaUrl, 'https://opentelemetry.io/schemas/1.44.0');
});
