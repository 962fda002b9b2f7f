import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinedReader } from '../../src/maps/joined.ts';
import type { EntriesReader } from '../../src/maps/reading.ts';

function reader(
  entries: readonly (readonly [key: number, value: bigint])[],
  more: Partial<EntriesReader> = {},
): EntriesReader {
  const shape = { valueSize: 8, valueStride: 8, cpus: 1, cpuNumbers: [], maxEntries: 4, dropsWhenFull: false };
  return {
    ...{ map: 'm', keySize: 2, ...shape, ...more },
    read: () => ({
      count: entries.length,
      // What a reading has room for is more than it has.
      keys: Buffer.concat([Buffer.from(Uint16Array.from(entries, ([key]) => key).buffer), Buffer.alloc(6)]),
      values: Buffer.concat([Buffer.from(BigUint64Array.from(entries, ([, value]) => value).buffer), Buffer.alloc(16)]),
    }),
  };
}

test('the entries of all maps, with the map’s number behind the key', () => {
  const joined = joinedReader('all', [
    reader([
      [1, 10n],
      [2, 20n],
    ]),
    reader([]),
    reader([[1, 5n]], { dropsWhenFull: true, evicts: true }),
  ]);
  assert.deepEqual([joined.map, joined.keySize, joined.maxEntries], ['all', 3, 12]);
  assert.deepEqual([joined.dropsWhenFull, joined.evicts], [true, true]);
  for (let reading = 0; reading < 2; reading++) {
    const { count, keys, values } = joined.read();
    assert.equal(count, 3);
    assert.deepEqual([...keys.subarray(0, 9)], [1, 0, 0, 2, 0, 0, 1, 0, 2]);
    assert.deepEqual([...new BigUint64Array(values.buffer as ArrayBuffer, 0, 3)], [10n, 20n, 5n]);
  }
});
