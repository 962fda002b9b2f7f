import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BtfType } from '../../src/btf/types.ts';
import { encodeConstant } from '../../src/libbpf/constant.ts';

const int = (size: number, signed: boolean, bool = false): BtfType => {
  return { kind: 'int', name: '', size, signed, bool, char: false };
};
const enumeration: BtfType = { kind: 'enum', name: '', size: 4, signed: false, values: new Map() };

for (const [type, value, bytes] of [
  [int(1, false), 255, [255]],
  [int(1, true), -128, [128]],
  [int(1, false, true), 1, [1]],
  [int(2, false), 0x1234, [0x34, 0x12]],
  [int(4, true), -2, [0xfe, 0xff, 0xff, 0xff]],
  [int(8, false), 2n ** 64n - 1n, Array(8).fill(255)],
  [int(8, true), -(2n ** 63n), [0, 0, 0, 0, 0, 0, 0, 0x80]],
  [enumeration, 7, [7, 0, 0, 0]],
  [{ kind: 'pointer', size: 8 } satisfies BtfType, 0xffffffff81000000n, [0, 0, 0, 0x81, 0xff, 0xff, 0xff, 0xff]],
] as const) {
  test(`${value} in ${type.kind} of ${type.size}`, () => {
    assert.deepEqual([...encodeConstant('c', type, value)], [...bytes]);
  });
}

for (const [type, value, message] of [
  [int(1, false), 256, /^c: 256 is not within 0 and 255$/],
  [int(1, false), -1, /^c: -1 is not within 0 and 255$/],
  [int(1, true), 128, /^c: 128 is not within -128 and 127$/],
  [int(1, false, true), 2, /^c: 2 is not within 0 and 1$/],
  [int(8, false), 2n ** 64n, /is not within/],
  [int(4, false), 1.5, /^c: "1.5" is no integer/],
  [int(8, false), 2 ** 53, /no integer that is held exactly/],
  [int(16, false), 1, /its type is int of 16 bytes/],
  [{ kind: 'float', name: 'double', size: 8 } satisfies BtfType, 1, /its type is float of 8 bytes/],
] as const) {
  test(`refused: ${value} in ${type.kind} of ${type.size}`, () => {
    assert.throws(() => encodeConstant('c', type, value), { code: 'config', message });
  });
}
