import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCpuList, possibleCpus } from '../../src/kernel/cpus.ts';

for (const [text, count, indexes] of [
  ['0\n', 1, 1],
  ['0-1\n', 2, 2],
  ['0-3,5', 5, 6],
  ['2,4-5,7', 4, 8],
  ['0-127\n', 128, 128],
] as const) {
  test(`the list ${JSON.stringify(text)}`, () => assert.deepEqual(parseCpuList(text), { count, indexes }));
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
