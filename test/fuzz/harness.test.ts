import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fixtureTargets } from './fixtures/folder.ts';
import { fuzz, targetNames } from './harness.ts';

describe('the harness', () => {
  test('names the seed and the input of what fails, and fails at that seed again', async () => {
    const { failure } = await fuzz('throws', { seed: 0, folder: fixtureTargets });
    assert.ok(failure !== undefined && failure.seed > 0, JSON.stringify(failure));
    assert.match(failure.error, /^RangeError: no number ends with 7 here\n/);
    assert.match(failure.input, /^\d*7$/);
    const again = await fuzz('throws', { seed: failure.seed, count: 1, folder: fixtureTargets });
    assert.deepEqual(again.failure, failure);
  });

  test('names the seed of what never ends', async () => {
    const { failure } = await fuzz('hangs', { seed: 3, folder: fixtureTargets, longestMs: 300 });
    assert.deepEqual([failure?.seed, failure?.error], [5, 'it takes more than 0.3 s of CPU time']);
  });

  test('names the seed of what ends the thread, and of what rejects unseen', async () => {
    const { failure } = await fuzz('exits', { seed: 3, folder: fixtureTargets });
    assert.deepEqual([failure?.seed, failure?.error], [5, 'it has ended its thread with status 3']);
    const unseen = await fuzz('rejects', { seed: 3, folder: fixtureTargets });
    assert.equal(unseen.failure?.seed, 5);
    assert.match(unseen.failure!.error, /nobody waits for this/);
  });

  test('tells how much was taken and refused', async () => {
    const result = await fuzz('throws', { seed: 2, count: 3, folder: fixtureTargets });
    assert.deepEqual(result, { taken: 2, refused: 1 });
  });
});

describe('parsers take, or refuse, some random input', () => {
  for (const name of targetNames) {
    // Those of the real libbpf are test/libbpf's.
    if (name === 'libbpf') continue;
    test(name, async () => {
      const { failure, taken } = await fuzz(name, { seed: 1, count: 50 });
      assert.equal(failure, undefined);
      assert.ok(taken > 0);
    });
  }
});
