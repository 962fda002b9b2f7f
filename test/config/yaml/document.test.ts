import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProgramFile } from '../../../src/config/program/file.ts';
import { ConfigError, Diagnostics, formatDiagnostic } from '../../../src/config/yaml/diagnostic.ts';
import { type ConfigNode, parseYaml } from '../../../src/config/yaml/document.ts';
import { editDistance, nearest } from '../../../src/config/yaml/nearest.ts';
import { throwErrors } from '../../helpers/throw-errors.ts';
import { texts } from '../resolve/resolving.ts';

// What is no YAML, or YAML of the wrong shape: each has a place, and nothing throws.
const malformed: readonly (readonly [string, string])[] = [
  ['', 'x.yaml:1:1: there are no metrics: "metrics" needs "counters", "gauges" or "histograms"'],
  ['# nothing\n', 'x.yaml:1:1: there are no metrics: "metrics" needs "counters", "gauges" or "histograms"'],
  ['null', 'x.yaml:1:1: there are no metrics: "metrics" needs "counters", "gauges" or "histograms"'],
  ['hello', 'x.yaml:1:1: the file must be a map, not "hello"'],
  ['- a\n- b', 'x.yaml:1:1: the file must be a map, not a list'],
  ['[', 'x.yaml:1:2: Flow sequence must end with a ]'],
  ['{', 'x.yaml:1:2: Flow map must end with a }'],
  ['"', 'x.yaml:1:2: Missing closing "quote'],
  ['a: b: c', 'x.yaml:1:4: Nested mappings are not allowed in compact mappings'],
  ['metrics:\n\tcounters: []', 'x.yaml:2:1: Tabs are not allowed as indentation'],
  ['metrics:\n  counters: []\n gauges: []', 'x.yaml:3:1: All mapping items must start at the same column'],
  ['- a\nb: c', 'x.yaml:2:1: Unexpected scalar at node end'],
  ['metrics: {counters: []}\n---\nmore: 1', 'x.yaml:2:1: a second YAML document begins here; a file has one'],
  ['metrics: *nowhere', 'x.yaml:1:10: "metrics" refers to an anchor that isn\'t there'],
  ['metrics: &a [*a]', 'x.yaml:1:13: "metrics" must be a map, not a list'],
  ['metrics: {counters: []}\nmetrics: {}', 'x.yaml:2:1: Map keys must be unique'],
  ['? [a]\n: b\nmetrics: {counters: []}', 'x.yaml:1:3: a key of the file must be a text'],
  ['~: 1\nmetrics: {counters: []}', 'x.yaml:1:1: a key of the file must be a text'],
  ['<<: 3\nmetrics: {counters: []}', 'x.yaml:1:5: "<<" must name a map or a list of maps'],
  ['metrics: 5', 'x.yaml:1:10: "metrics" must be a map, not "5"'],
  ['metrics:\n  counters: {}', 'x.yaml:2:13: "counters" must be a list, not a map'],
  ['metrics:\n  counters: [a]', 'x.yaml:2:14: item 1 of "counters" must be a map, not "a"'],
  ['metrics:\n  counters: [~, ]', 'x.yaml:2:14: item 1 of "counters" has no "name"'],
  ['metrics:\r\n  counters: 1\r\n', 'x.yaml:2:13: "counters" must be a list, not "1"'],
  ['\ufeffmetrics: 1', 'x.yaml:1:10: "metrics" must be a map, not "1"'],
  ['\0', 'x.yaml:1:1: the file must be a map, not "\\u0000"'],
];

for (const [text, expected] of malformed) {
  test(`malformed: ${JSON.stringify(text)}`, () => {
    const diagnostics = new Diagnostics();
    parseProgramFile(text, 'x.yaml', diagnostics);
    assert.equal(texts(diagnostics)[0], expected);
  });
}

test('what is behind an error is told with its own line', () => {
  const diagnostics = new Diagnostics();
  parseYaml('a:\n  b:\n    c: 1\n   d: {e: [f]}g\n    h: i\n    j: k\n', 'x.yaml', diagnostics);
  const lines = diagnostics.errors.map(({ line, excerpt }) => [line, excerpt]);
  assert.deepEqual(lines.at(-1), [5, '    h: i']);
});

test('nesting that is too deep for the parser is an error like others', () => {
  const diagnostics = new Diagnostics();
  parseProgramFile('['.repeat(30_000), 'x.yaml', diagnostics);
  assert.ok(diagnostics.errorCount > 0 && diagnostics.errorCount <= 5);
});

test('an alias that contains itself ends', () => {
  const diagnostics = new Diagnostics();
  const root = parseYaml('a: &a\n  <<: *a\n  b: 1\n', 'x.yaml', diagnostics);
  assert.deepEqual(
    root
      ?.map()
      ?.get('a')
      ?.map()
      ?.entries.map(({ name }) => name),
    ['b'],
  );
});

test('merge keys add what is not there yet', () => {
  const yaml = 'base: &base {a: 1, b: 2}\nother: &other {c: 3}\nuse:\n  b: 9\n  <<: [*base, *other]\n';
  const use = root(yaml).map()!.get('use')!.map()!;
  assert.deepEqual(
    use.entries.map(({ name, value }) => [name, value.integer()]),
    [
      ['b', 9],
      ['a', 1],
      ['c', 3],
    ],
  );
});

const accessors: readonly (readonly [string, (node: ConfigNode) => unknown, unknown])[] = [
  ['hello', (node) => node.string(), 'hello'],
  ['"5"', (node) => node.string(), '5'],
  ['5', (node) => node.string(), '"v" must be a string, not "5"'],
  ['[]', (node) => node.string(), '"v" must be a string, not a list'],
  ['', (node) => node.string(), '"v" must be a string, and has no value'],
  ['on', (node) => node.text(), 'on'],
  ['0x10', (node) => node.text(), '0x10'],
  ['1e3', (node) => node.text(), '1e3'],
  ['2048', (node) => node.text(), '2048'],
  ['1.50', (node) => node.text(), '1.50'],
  ['"a\\tb"', (node) => node.text(), 'a\tb'],
  ['true', (node) => node.text(), 'true'],
  ['~', (node) => node.text(), '"v" must be a text, and has no value'],
  ['{}', (node) => node.text(), '"v" must be a text, not a map'],
  ['5', (node) => node.integer({ min: 1, max: 5 }), 5],
  ['6', (node) => node.integer({ min: 1, max: 5 }), '"v" must be an integer from 1 to 5, not "6"'],
  ['0', (node) => node.integer({ min: 1 }), '"v" must be an integer of at least 1, not "0"'],
  ['1.5', (node) => node.integer(), '"v" must be an integer, not "1.5"'],
  ['"5"', (node) => node.integer(), '"v" must be an integer, not "5"'],
  ['9007199254740993', (node) => node.integer(), '"v" must be an integer, not "9007199254740993"'],
  ['18446744073709551615', (node) => node.bigint(), 18446744073709551615n],
  ['-0x10', (node) => node.bigint(), '"v" must be an integer, not "-0x10"'],
  ['0x10', (node) => node.bigint(), 16n],
  ['-5', (node) => node.bigint(), -5n],
  ['1e3', (node) => node.bigint(), '"v" must be an integer, not "1e3"'],
  ['1e-6', (node) => node.number(), 1e-6],
  ['.inf', (node) => node.number(), '"v" must be a number, not ".inf"'],
  ['.nan', (node) => node.number(), '"v" must be a number, not ".nan"'],
  ['-1', (node) => node.number({ min: 0 }), '"v" must be a number of at least 0, not "-1"'],
  ['false', (node) => node.boolean(), false],
  ['yes', (node) => node.boolean(), '"v" must be true or false, not "yes"'],
  ['exp2', (node) => node.oneOf(['exp2', 'linear']), 'exp2'],
  ['exp3', (node) => node.oneOf(['exp2', 'linear']), '"v": unknown value "exp3", did you mean "exp2"?'],
  ['zzzzzz', (node) => node.oneOf(['exp2', 'linear']), '"v": unknown value "zzzzzz"; known: exp2, linear'],
  ['', (node) => node.list(), []],
  ['x', (node) => node.list(), '"v" must be a list, not "x"'],
  ['', (node) => node.map(['a'])?.entries, []],
  ['{lables: 1}', (node) => node.map(['name', 'labels']), 'unknown key "lables", did you mean "labels"?'],
  ['{qqqqqq: 1}', (node) => node.map(['name', 'labels']), 'unknown key "qqqqqq"; known: name, labels'],
  ['{kaddrs: 1}', (node) => node.map(['name'], ['kaddrs']), '"kaddrs" is not supported by this version'],
  ['{a: 1}', (node) => node.map()?.required('b'), '"v" has no "b"'],
];

for (const [index, [text, read, expected]] of accessors.entries()) {
  test(`accessor ${index}: ${text}`, () => {
    const diagnostics = new Diagnostics();
    const value = read(parseYaml(`v: ${text}`, 'x.yaml', diagnostics)!.map()!.get('v')!);
    const [error] = diagnostics.errors;
    assert.deepEqual(error === undefined ? value : error.message, expected);
  });
}

test('a message shows the line with a ^ under the column, also behind tabs', () => {
  const diagnostics = new Diagnostics();
  const node = parseYaml('a:\n  - {b:\t\tfive}\n', 'dir/x.yaml', diagnostics)!;
  node.map()!.get('a')!.list()![0]!.map()!.get('b')!.integer();
  assert.equal(
    formatDiagnostic(diagnostics.errors[0]!),
    'dir/x.yaml:2:10: "b" must be an integer, not "five"\n      - {b:\t\tfive}\n           \t\t^',
  );
});

test('a long line is cut around the column', () => {
  const diagnostics = new Diagnostics();
  const node = parseYaml(`{${'a: 1, '.repeat(100)}b: x}`, 'x.yaml', diagnostics)!;
  node.map()!.get('b')!.integer();
  const [, excerpt, caret] = formatDiagnostic(diagnostics.errors.at(-1)!).split('\n');
  assert.ok(excerpt!.length < 170);
  assert.equal(excerpt![caret!.indexOf('^')], 'x');
});

test('all errors come in one error, sorted by file and position, warnings do not count', () => {
  const diagnostics = new Diagnostics();
  const at = (file: string, line: number, column: number) => ({ file, line, column, excerpt: 'text' });
  diagnostics.warn(at('a', 1, 1), 'only a warning');
  assert.doesNotThrow(() => throwErrors(diagnostics));
  diagnostics.error(at('b', 1, 1), 'four');
  diagnostics.error(at('a', 10, 1), 'three');
  diagnostics.error(at('a', 2, 9), 'two');
  diagnostics.error(at('a', 2, 3), 'one');
  diagnostics.error(at('a', 2, 3), 'one');
  assert.throws(
    () => throwErrors(diagnostics),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, 'config');
      assert.equal(error.message, '4 errors, the first: a:2:3: one');
      assert.deepEqual(
        error.diagnostics.map(({ message }) => message),
        ['one', 'two', 'three', 'four'],
      );
      return true;
    },
  );
  assert.equal(formatDiagnostic(diagnostics.warnings[0]!), 'a:1:1: warning: only a warning\n    text\n    ^');
});

for (const [a, b, distance] of [
  ['', '', 0],
  ['abc', '', 3],
  ['lables', 'labels', 1],
  ['kitten', 'sitting', 3],
] as const) {
  test(`edit distance of "${a}" and "${b}" is ${distance}`, () => {
    assert.equal(editDistance(a, b), distance);
  });
}

test('nothing is near that differs in most letters', () => {
  assert.equal(nearest('x', ['y']), undefined);
  assert.equal(nearest('colour', ['unit', 'name']), undefined);
  assert.equal(nearest('UNIT', ['unit']), 'unit');
});

function root(yaml: string): ConfigNode {
  const diagnostics = new Diagnostics();
  const node = parseYaml(yaml, 'x.yaml', diagnostics);
  assert.deepEqual(texts(diagnostics), []);
  return node!;
}
