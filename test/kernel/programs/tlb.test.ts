import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from './counting.ts';
import { betweenStops } from './stopping.ts';

test('flushes of a process are counted by reason', async () => {
  const flushes = await betweenStops(
    'protect',
    101,
    (pid) => count('tlb', { constants: { only_tgid: pid } }),
    (tlb) => tlb.numbers('tlb.flushes'),
  );
  // Taking the right away is one, giving it back another.
  assert.equal(flushes.get('local_mm_shootdown'), 202);
});
