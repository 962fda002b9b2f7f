// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's references to variables are written so
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainValue, substitute } from '../../../src/config/exporter/substitute.ts';
import { config, problems, prometheus } from './read.ts';

const env = {
  STRING_VALUE: 'value',
  BOOL_VALUE: 'true',
  INT_VALUE: '1',
  FLOAT_VALUE: '1.1',
  HEX_VALUE: '0xdeadbeef',
  INVALID_MAP_VALUE: 'value\nkey:value',
  DO_NOT_REPLACE_ME: 'Never use this value',
  REPLACE_ME: '$' + '{DO_NOT_REPLACE_ME}',
  VALUE_WITH_ESCAPE: 'value$$',
  EMPTY: '',
};

// The specification's own table, and what it leaves open.
const table: readonly [input: string, output: string][] = [
  ['${STRING_VALUE}', 'value'],
  ['${env:STRING_VALUE}', 'value'],
  ['${INVALID_MAP_VALUE}', 'value\nkey:value'],
  ['foo ${STRING_VALUE} ${FLOAT_VALUE}', 'foo value 1.1'],
  ['${UNDEFINED_KEY}', ''],
  ['${EMPTY}', ''],
  ['${EMPTY:-fallback}', 'fallback'],
  ['${UNDEFINED_KEY:-fallback}', 'fallback'],
  ['${UNDEFINED_KEY:-}', ''],
  ['${UNDEFINED_KEY:-a b: #c}', 'a b: #c'],
  ['${REPLACE_ME}', '${DO_NOT_REPLACE_ME}'],
  ['${UNDEFINED_KEY:-${STRING_VALUE}}', '${STRING_VALUE}'],
  ['$${STRING_VALUE}', '${STRING_VALUE}'],
  ['$$${STRING_VALUE}', '$value'],
  ['$$$${STRING_VALUE}', '$${STRING_VALUE}'],
  ['$${STRING_VALUE:-fallback}', '${STRING_VALUE:-fallback}'],
  ['$${STRING_VALUE:-${STRING_VALUE}}', '${STRING_VALUE:-value}'],
  ['${UNDEFINED_KEY:-$${UNDEFINED_KEY}}', '${UNDEFINED_KEY:-${UNDEFINED_KEY}}'],
  ['${VALUE_WITH_ESCAPE}', 'value$$'],
  ['a $$ b', 'a $ b'],
  ['a $ b', 'a $ b'],
  ['$$$$', '$$'],
  ['${STRING_VALUE', '${STRING_VALUE'],
  ['$STRING_VALUE', '$STRING_VALUE'],
  ['', ''],
];

for (const [input, output] of table) {
  test(`${input} becomes ${JSON.stringify(output)}`, () => {
    assert.deepEqual(substitute(input, env), { text: output, invalid: [] });
  });
}

const invalid: readonly [input: string, shown: string, offset: number][] = [
  ['${STRING_VALUE:?error}', '${STRING_VALUE…}', 0],
  ['${1API_KEY}', '${1API_KEY}', 0],
  ['ab ${API_$KEY}', '${API_$KEY}', 3],
  ['${}', '${}', 0],
  ['${API KEY}', '${API KEY}', 0],
  ['${sys:home}', '${sys…}', 0],
  ['${env:}', '${env:}', 0],
  ['$$ ${1A:-secret}', '${1A…}', 3],
  ['${A\nB}', '${A…}', 0],
];

for (const [input, shown, offset] of invalid) {
  test(`${JSON.stringify(input)} is no reference`, () => {
    assert.deepEqual(substitute(input, env).invalid, [{ offset, shown }]);
  });
}

const values: readonly [text: string, value: unknown][] = [
  ['', null],
  ['~', null],
  ['null', null],
  ['nULL', 'nULL'],
  ['true', true],
  ['FALSE', false],
  ['yes', 'yes'],
  ['1', 1],
  ['-12', -12],
  ['+3', 3],
  ['007', 7],
  ['0o17', 15],
  ['0xdeadbeef', 3735928559],
  ['-0x1', '-0x1'],
  ['1.1', 1.1],
  ['.5', 0.5],
  ['1e3', 1000],
  ['1.', 1],
  ['.', '.'],
  ['1_000', '1_000'],
  ['.inf', Infinity],
  ['-.INF', -Infinity],
  ['.NaN', Number.NaN],
  ['9435 ', 9435],
  [' text ', ' text '],
  ['[1]', '[1]'],
  ['a: b', 'a: b'],
];

for (const [text, value] of values) {
  test(`the plain scalar ${JSON.stringify(text)} means ${value}`, () => assert.deepEqual(plainValue(text), value));
}

test('a plain scalar gets its type after the substitution, a quoted one stays a string', () => {
  const text = (value: string): string =>
    `file_format: "1.1"\nresource:\n  attributes:\n    - name: a\n      type: int\n      value: ${value}\n`;
  assert.equal(config(text('${INT_VALUE}'), env).resourceAttributes.a, 1);
  assert.equal(config(text('${HEX_VALUE}'), env).resourceAttributes.a, 3735928559);
  assert.deepEqual(problems(text('"${INT_VALUE}"'), env).length, 1);
  assert.deepEqual(config(text('${UNDEFINED_KEY}'), env).resourceAttributes, {});
});

test('a value never becomes structure, and keys are not substituted', () => {
  const listed = 'file_format: "1.1"\nmeter_provider: ${X}\n';
  assert.deepEqual(problems(listed, { X: '{readers: []}' }), [
    '2:17 "meter_provider" must be a map, not "{readers: []}"',
  ]);
  assert.deepEqual(problems('file_format: "1.1"\n${X}: 1\n', { X: 'disabled' }), [
    '2:1 unknown key "${X}", nothing is done with it',
  ]);
});

test('block scalars and aliases are substituted once', () => {
  const text = `file_format: "1.1"
x-a: &a $\${STRING_VALUE}
resource:
  attributes:
    - {name: one, value: *a}
    - {name: two, value: *a}
    - name: three
      value: >-
        a \${STRING_VALUE}
        b
`;
  const expected = { one: '${STRING_VALUE}', two: '${STRING_VALUE}', three: 'a value b' };
  assert.deepEqual(config(text, env).resourceAttributes, expected);
});

test('each invalid reference is reported where it stands, with every other error of the file', () => {
  const text = prometheus('host: a ${1A} ${1A} ${B:?x}', 'prot: 1', 'port: "$${1A} ${1A}"');
  const message = 'is no reference to a variable: write ${NAME}, ${env:NAME} or ${NAME:-default}, or $$ for a plain $';
  assert.deepEqual(problems(text), [
    `7:21 "\${1A}" ${message}`,
    `7:27 "\${1A}" ${message}`,
    `7:33 "\${B…}" ${message}`,
    '8:13 unknown key "prot", did you mean "port"?',
    '9:19 "port" must be an integer from 0 to 65535, not "${1A} ${1A}"',
    `9:27 "\${1A}" ${message}`,
  ]);
});

test('positions behind a reference are those of the file, in flow style too', () => {
  const text = prometheus('{host: "${VERY_LONG_NAME:-x}", prot: 1, port: true}');
  assert.deepEqual(problems(text, { VERY_LONG_NAME: 'y'.repeat(500) }), [
    '7:44 unknown key "prot", did you mean "port"?',
    '7:59 "port" must be an integer from 0 to 65535, not "true"',
  ]);
});

for (const [name, line, column] of [
  ['a map', '{host: ${HOST}, port: 1}', 20],
  ['a list', '[${HOST}, 1]', 14],
] as const) {
  test(`an unquoted reference in ${name} of flow style is explained once`, () => {
    const [first, ...others] = problems(prometheus(line));
    assert.match(
      first!,
      new RegExp(`^7:${column} inside {…} and \\[…\\] YAML reads \\$\\{ as the start of a map: put`),
    );
    assert.deepEqual(others, []);
  });
}
