import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { buildLoad } from '../../../bench/kernel/build.ts';
import { count } from './counting.ts';

const load = buildLoad();

test('page faults are counted by process name, and by whose code they are in', async () => {
  using faults = count('page_fault');
  assert.deepEqual(faults.attached, ['page_fault_user', 'page_fault_kernel']);
  execFileSync(load, ['touch', '3']);
  execFileSync(load, ['fill', '5']);
  const counted = await faults.numbers('page_faults');
  // They have these names only as long as it takes.
  assert.equal(counted.get('touch user'), 3 * 256);
  assert.equal(counted.has('touch kernel'), false);
  assert.equal(counted.get('fill kernel'), 5 * 256);
  assert.equal(counted.has('fill user'), false);
  assert.deepEqual(await faults.numbers('page_faults.lost'), new Map([['', 0]]));
});
