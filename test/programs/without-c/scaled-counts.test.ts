import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScaledCounts } from '../../../src/programs/without-c/scaled-counts.ts';

type Read = readonly [enabled: number, running: number, ...counts: number[]];

/** The totals after each of these readings. */
function totals(...reads: readonly Read[]): number[][] {
  const counts = new ScaledCounts(reads[0]!.length - 2);
  return reads.map((read) => {
    const words = BigUint64Array.from(read.map(BigInt));
    counts.add(words[0]!, words[1]!, words, 2);
    return [...counts.totals].map(Number);
  });
}

test('a group that always ran is counted as it is, beyond what a double holds', () => {
  assert.deepEqual(totals([10, 10, 3, 7], [30, 30, 5, 7]), [
    [3, 7],
    [5, 7],
  ]);
  const counts = new ScaledCounts(1);
  counts.add(1n, 1n, BigUint64Array.of(2n ** 63n + 1n), 0);
  assert.equal(counts.totals[0], 2n ** 63n + 1n);
});

test('a share of the time is scaled to all of it', () => {
  assert.deepEqual(totals([100, 25, 5]), [[20]]);
  assert.deepEqual(totals([100, 25, 5], [200, 125, 105]), [[20], [120]]);
  assert.deepEqual(totals([3, 2, 5]), [[7]], 'a part of an event is none yet');
});

test('totals never fall, though the share of all times rises', () => {
  // 1000 × 1000 / 10, and then 1001 × 2000 / 1010: what scaling the whole would give is 50 times less.
  assert.deepEqual(totals([1000, 10, 1000], [2000, 1010, 1001]), [[100_000], [100_001]]);
});

test('time in which it did not run is told by the next in which it did', () => {
  assert.deepEqual(totals([100, 0, 0], [200, 50, 10], [300, 50, 10], [400, 100, 30]), [[0], [40], [40], [120]]);
});

test('nothing new is nothing', () => assert.deepEqual(totals([10, 10, 3], [10, 10, 3]), [[3], [3]]));

test('events that were opened anew count from 0, and the totals stay', () => {
  const counts = new ScaledCounts(1);
  counts.add(10n, 10n, BigUint64Array.of(5n), 0);
  counts.restart();
  counts.add(4n, 4n, BigUint64Array.of(3n), 0);
  assert.deepEqual([...counts.totals], [8n]);
});
