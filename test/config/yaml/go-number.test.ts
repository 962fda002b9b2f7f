import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goNumber } from '../../../src/config/yaml/go-number.ts';

// What gopkg.in/yaml.v2 2.4.0 decodes into a float64; undefined where it is an error there, or infinite.
const cases: readonly (readonly [text: string, number: number | undefined])[] = [
  ['0', 0],
  ['10', 10],
  ['010', 8],
  ['-010', -8],
  ['08', 8],
  ['0_8', 8],
  ['0o10', 8],
  ['0b11', 3],
  ['0b12', undefined],
  ['0x10', 16],
  ['0x1p4', undefined],
  ['1_0', 10],
  ['1__0', 10],
  ['1_', 1],
  ['_1', undefined],
  ['1_0.5', 10.5],
  ['1.0', 1],
  ['1.5', 1.5],
  ['.5', 0.5],
  ['5.', 5],
  ['1e3', 1000],
  ['1e-3', 0.001],
  ['1e400', undefined],
  ['+5', 5],
  ['-1', -1],
  ['-0', 0],
  ['.inf', undefined],
  ['1:30', undefined],
  ['', undefined],
  ['-', undefined],
  ['.', undefined],
  ['a', undefined],
  ['true', undefined],
];

for (const [text, number] of cases) {
  test(`"${text}" is ${number}`, () => assert.ok(Object.is(goNumber(text), number), String(goNumber(text))));
}
