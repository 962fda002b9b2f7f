import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayNest } from '../../src/programs/nesting.ts';

test('programs may nest in themselves on kernels before 6.1, and on those whose release is not understood', () => {
  for (const release of ['5.10.0-46-amd64', '5.19.17', '6.0.12-generic', '4.18.0', '', 'custom']) {
    assert.equal(mayNest(release), true, release);
  }
  for (const release of ['6.1.0-57-amd64', '6.1', '6.18.44-fc', '7.0.0-rc1', '10.0']) {
    assert.equal(mayNest(release), false, release);
  }
});
