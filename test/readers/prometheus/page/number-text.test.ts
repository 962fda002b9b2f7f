import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NUMBER_BYTES, writeNumber } from '../../../../src/readers/prometheus/page/number-text.ts';

function text(value: number): string {
  const out = Buffer.alloc(NUMBER_BYTES + 3, '#');
  const end = writeNumber(out, 2, value);
  assert.equal(out.toString('latin1', 0, 2), '##');
  assert.ok(end - 2 <= NUMBER_BYTES, `${value} takes ${end - 2} bytes`);
  return out.toString('latin1', 2, end);
}

describe('writeNumber', () => {
  const whole = [0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 99_999, 100_000, 999_999, 1_000_000, 9_999_999];
  const wide = [10_000_000, 99_999_999, 100_000_000, 999_999_999, 1_000_000_000, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
  const wider = [2 ** 32, 9_999_999_999, 1_000_000_000_000, 1_000_000_000_000_001, 2 ** 53 - 1];
  for (const value of [...whole, ...wide, ...wider]) {
    it(`writes ${value} and its negative`, () => {
      assert.equal(text(value), String(value));
      assert.equal(text(-value), value === 0 ? '0' : `-${value}`);
    });
  }

  for (const value of [
    0.5,
    1e-7,
    1.5e-9,
    123.456,
    2 ** 53,
    2 ** 64,
    1e21,
    Number.MAX_VALUE,
    -Number.MAX_VALUE,
    5e-324,
  ]) {
    it(`writes ${value} so that it reads back as the same`, () => assert.equal(Number(text(value)), value));
  }

  it('writes what is no finite number as the format wants it', () => {
    assert.equal(text(Number.POSITIVE_INFINITY), '+Inf');
    assert.equal(text(Number.NEGATIVE_INFINITY), '-Inf');
    assert.equal(text(Number.NaN), 'NaN');
  });
});
