import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCpuList, possibleCpus } from '../../src/kernel/cpus.ts';

for (const [text, indexes, numbers] of [
  ['0\n', 1, [0]],
  ['0-1\n', 2, [0, 1]],
  ['0-3,5', 6, [0, 1, 2, 3, 5]],
  ['2,4-5,7', 8, [2, 4, 5, 7]],
  ['0-127\n', 128, Array.from({ length: 128 }, (_, number) => number)],
] as const) {
  test(`the list ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseCpuList(text), { count: numbers.length, indexes, numbers });
  });
}

for (const text of ['', 'all', '3-1', '0,,1', '0-', '-1', '0 1']) {
  test(`no list: ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseCpuList(text), { code: 'environment', message: /is no list of CPUs/ });
  });
}

test('this machine has at least one', () => {
  assert.ok(possibleCpus().count >= 1);
  assert.ok(possibleCpus().indexes >= possibleCpus().count);
});
