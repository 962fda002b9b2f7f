import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import protobuf from 'protobufjs';
import {
  doubleField,
  endMessage,
  implicitStringField,
  messageField,
  stringField,
  varintField,
  varintSize,
  writeVarint,
  writeZigzag,
} from '../../../src/readers/wire/protobuf.ts';

describe('the wire format', () => {
  for (const value of [0, 1, 127, 128, 16383, 16384, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 63]) {
    it(`writes ${value} as a varint`, () => {
      const bytes = Buffer.alloc(10);
      const end = writeVarint(bytes, 0, value);
      assert.equal(varintSize(value), end);
      assert.equal(protobuf.Reader.create(bytes.subarray(0, end)).uint64().toString(), BigInt(value).toString());
    });
  }

  for (const value of [0, -1, 1, -64, 64, 2 ** 31, -(2 ** 31), 2 ** 52, -(2 ** 52), 2 ** 53 - 1, -(2 ** 53) + 1]) {
    it(`writes ${value} with its sign`, () => {
      const bytes = Buffer.alloc(10);
      const end = writeZigzag(bytes, 0, value);
      assert.equal(protobuf.Reader.create(bytes.subarray(0, end)).sint64().toString(), String(value));
    });
  }

  it('writes fields', () => {
    const bytes = messageField(1, [stringField(2, 'é'), varintField(3, 300), doubleField(4, -0.5)]);
    const reader = protobuf.Reader.create(bytes);
    assert.deepEqual([reader.uint32(), reader.uint32()], [10, bytes.length - 2]);
    assert.deepEqual([reader.uint32(), reader.string()], [18, 'é']);
    assert.deepEqual([reader.uint32(), reader.uint32()], [24, 300]);
    assert.deepEqual([reader.uint32(), reader.double()], [33, -0.5]);
  });

  it('writes an empty text where presence is explicit, and none where it is implicit', () => {
    assert.deepEqual([...stringField(2, '')], [18, 0]);
    assert.deepEqual([...implicitStringField(2, '')], []);
    assert.deepEqual(implicitStringField(2, 'é'), stringField(2, 'é'));
  });

  for (const length of [0, 127, 128, 16383, 16384, 2_097_151, 2_097_152]) {
    for (const reserved of [1, 2, 4]) {
      it(`ends a message of ${length} bytes for whose length ${reserved} were reserved`, () => {
        const bytes = Buffer.alloc(length + 20);
        for (let i = 0; i < length; i++) bytes[3 + reserved + i] = i % 251;
        const end = endMessage(bytes, 3, reserved, 3 + reserved + length);
        const content = protobuf.Reader.create(bytes.subarray(3, end)).bytes();
        assert.equal(content.length, length);
        assert.ok(content.every((byte, index) => byte === index % 251));
      });
    }
  }
});
