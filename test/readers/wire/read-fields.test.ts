import assert from 'node:assert/strict';
import { test } from 'node:test';
import { varintSize, writeVarint } from '../../../src/readers/wire/protobuf.ts';
import { readFields } from '../../../src/readers/wire/read-fields.ts';

test('fields of all wire types', () => {
  const bytes = Buffer.from([0x08, 0xac, 0x02, 0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x1a, 1, 65, 0x25, 2, 0, 0, 0]);
  assert.deepEqual(
    [...readFields(bytes)].map(({ number, value }) => [
      number,
      typeof value === 'number' ? value : `${Buffer.from(value)}`,
    ]),
    [
      [1, 300],
      [2, '\x01\0\0\0\0\0\0\0'],
      [3, 'A'],
      [4, 2],
    ],
  );
});

for (const bad of [[0x08], [0x08, 0x80], [0x0a, 5, 1], [0x0b], [0x11, 1], [0x25, 1], Array(12).fill(0xff)]) {
  test(`${Buffer.from(bad).toString('hex')} is no message`, () => {
    assert.throws(() => [...readFields(Buffer.from(bad))], RangeError);
  });
}

test('varints', () => {
  for (const value of [0, 1, 127, 128, 16_383, 16_384, 2 ** 32, 2 ** 53]) {
    const out = Buffer.alloc(12);
    assert.equal(writeVarint(out, 0, value), varintSize(value));
    const [field] = readFields(Buffer.concat([Buffer.from([8]), out.subarray(0, varintSize(value))]));
    assert.equal(field!.value, value);
  }
});
