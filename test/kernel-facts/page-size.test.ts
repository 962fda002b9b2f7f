import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { pageSize, parsePageSize } from '../../src/kernel/page-size.ts';

function auxv(...pairs: [bigint, bigint][]): Buffer {
  const buffer = Buffer.alloc(pairs.length * 16);
  for (const [index, [key, value]] of pairs.entries()) {
    buffer.writeBigUInt64LE(key, index * 16);
    buffer.writeBigUInt64LE(value, index * 16 + 8);
  }
  return buffer;
}

describe('page size', () => {
  it('is where the key is 6', () => {
    assert.equal(parsePageSize(auxv([33n, 6n], [6n, 65_536n], [0n, 0n])), 65_536);
  });

  it('is 4096 where nothing is said', () => {
    assert.equal(parsePageSize(auxv([33n, 6n])), 4096);
    assert.equal(parsePageSize(Buffer.alloc(7)), 4096);
  });

  it("is this kernel's", () => {
    assert.equal(pageSize(), Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' })));
  });
});
