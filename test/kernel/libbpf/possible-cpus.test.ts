import assert from 'node:assert/strict';
import { test } from 'node:test';
import { possibleCpus } from '../../../src/kernel/cpus.ts';
import { countPossibleCpus } from '../../../src/libbpf/possible-cpus.ts';

test('the kernel fills in as many values as it says that there may be CPUs', () => {
  assert.equal(countPossibleCpus(), possibleCpus().count);
});
