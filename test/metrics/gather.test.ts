import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NumberType } from '../../src/config/plan.ts';
import { addField } from '../../src/metrics/gather.ts';

function cell(
  type: NumberType,
  write: (bytes: Buffer) => void,
  options: { offset?: number; cpus?: number } = {},
): number {
  const { offset = 0, cpus = 1 } = options;
  const bytes = Buffer.from(new ArrayBuffer(128));
  write(bytes);
  const cells = new Float64Array(1);
  const block = { bytes, start: 0, count: 1, stride: 64, cpus, cpuStride: 16 };
  addField({ offset, type, count: 1, cell: 0 }, block, cells, Int32Array.of(0), 0);
  return cells[0]!;
}

describe('addField reads', () => {
  const cases: [NumberType, (bytes: Buffer) => void, number][] = [
    ['u8', (b) => b.writeUInt8(255), 255],
    ['i8', (b) => b.writeInt8(-128), -128],
    ['u16', (b) => b.writeUInt16LE(65535), 65535],
    ['i16', (b) => b.writeInt16LE(-2), -2],
    ['u32', (b) => b.writeUInt32LE(4294967295), 4294967295],
    ['i32', (b) => b.writeInt32LE(-2147483648), -2147483648],
    ['u64', (b) => b.writeBigUInt64LE(0n), 0],
    ['u64', (b) => b.writeBigUInt64LE(2n ** 53n - 1n), 2 ** 53 - 1],
    ['u64', (b) => b.writeBigUInt64LE(2n ** 53n), 2 ** 53],
    ['u64', (b) => b.writeBigUInt64LE(2n ** 53n + 3n), Number(2n ** 53n + 3n)],
    ['u64', (b) => b.writeBigUInt64LE(2n ** 64n - 1n), 2 ** 64],
    ['i64', (b) => b.writeBigInt64LE(-1n), -1],
    ['i64', (b) => b.writeBigInt64LE(-(2n ** 63n)), -(2 ** 63)],
    ['i64', (b) => b.writeBigInt64LE(-4294967297n), -4294967297],
  ];
  for (const [type, write, expected] of cases) {
    it(`${type} ${expected}`, () => assert.equal(cell(type, write), expected));
  }

  it('a u64 that is not aligned', () => {
    assert.equal(
      cell('u64', (b) => b.writeBigUInt64LE(123456789012345n, 3), { offset: 3 }),
      123456789012345,
    );
  });

  it('the sum over CPUs, rounded once', () => {
    const values = [2n ** 53n + 1n, 1n, 1n, 1n];
    const write = (b: Buffer) => values.forEach((value, cpu) => void b.writeBigUInt64LE(value, cpu * 16));
    assert.equal(cell('u64', write, { cpus: 4 }), Number(2n ** 53n + 4n));
  });

  it('what lies behind 2 GiB of a map', () => {
    // The kernel gives pages only to what is written.
    const bytes = Buffer.from(new ArrayBuffer(2 ** 31 + 64));
    bytes.writeBigUInt64LE(5n, 2 ** 31 + 8);
    const cells = new Float64Array(2);
    const block = { bytes, start: 2 ** 31, count: 1, stride: 8, cpus: 1, cpuStride: 0 };
    addField({ offset: 8, type: 'u64', count: 1, cell: 0 }, block, cells, Int32Array.of(0), 0);
    addField(
      { offset: 0, type: 'u64', count: 1, cell: 1 },
      { ...block, start: 8, stride: 2 ** 31, count: 2 },
      cells,
      Int32Array.of(-1, 0),
      0,
    );
    assert.deepEqual([...cells], [5, 5]);
  });

  it('negative values summed over CPUs', () => {
    const write = (b: Buffer) => [-5n, 3n, -9n].forEach((value, cpu) => void b.writeBigInt64LE(value, cpu * 16));
    assert.equal(cell('i64', write, { cpus: 3 }), -11);
  });
});

describe('addField', () => {
  it('puts consecutive numbers of consecutive entries where their places say, and leaves out those without', () => {
    const bytes = Buffer.from(new ArrayBuffer(4 * 24));
    for (let i = 0; i < 12; i++) bytes.writeBigUInt64LE(BigInt(i + 1), i * 8);
    const cells = new Float64Array(8);
    const block = { bytes, start: 0, count: 4, stride: 24, cpus: 1, cpuStride: 0 };
    addField({ offset: 8, type: 'u64', count: 2, cell: 1 }, block, cells, Int32Array.of(99, 4, -1, 0, 4), 1);
    assert.deepEqual([...cells], [0, 8, 9, 0, 0, 2 + 11, 3 + 12, 0]);
  });
});
