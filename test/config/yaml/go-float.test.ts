import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goFloat } from '../../../src/config/yaml/go-float.ts';

// What Go 1.24's strconv.FormatFloat(v, 'g', -1, 64) prints; 0, infinities and NaN as expfmt writes them.
const cases: readonly (readonly [number, string])[] = [
  [0, '0'],
  [-0, '0'],
  [1, '1'],
  [-1, '-1'],
  [1e-6, '1e-06'],
  [1.6e-5, '1.6e-05'],
  [1e-5, '1e-05'],
  [9.9999e-5, '9.9999e-05'],
  [1e-4, '0.0001'],
  [1.2e-4, '0.00012'],
  [1.28e-4, '0.000128'],
  [0.001024, '0.001024'],
  [0.1, '0.1'],
  [100.5, '100.5'],
  [67.108864, '67.108864'],
  [100000, '100000'],
  [123456, '123456'],
  [131072, '131072'],
  [999999, '999999'],
  [999999.5, '999999.5'],
  [1e6, '1e+06'],
  [1048576, '1.048576e+06'],
  [-1048576, '-1.048576e+06'],
  [1234567, '1.234567e+06'],
  [12345678.5, '1.23456785e+07'],
  [123456789, '1.23456789e+08'],
  [1e20, '1e+20'],
  [1e21, '1e+21'],
  [1e100, '1e+100'],
  [-1e-7, '-1e-07'],
  [5e-324, '5e-324'],
  [Number.MAX_VALUE, '1.7976931348623157e+308'],
  [Infinity, '+Inf'],
  [-Infinity, '-Inf'],
  [NaN, 'NaN'],
];

for (const [value, text] of cases) {
  test(`goFloat writes ${text}`, () => {
    assert.equal(goFloat(value), text);
  });
}
