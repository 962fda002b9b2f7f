import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readHooks } from '../../src/programs/kernel-hooks.ts';

const software = 'perf_event/type=1,config=0,frequency=99';

test('fentry and fexit are missing once one of them was refused, and nothing else is', () => {
  using kernel = readHooks();
  const states = () => [software, 'fentry/x_of_no_kernel', '?fexit.s/x'].map((section) => kernel.tell(section));
  const before = states();
  kernel.refuse('kprobe/x');
  assert.deepEqual(states(), before);
  kernel.refuse('?fexit/y');
  const refused = { state: 'missing', reason: 'this kernel refuses fentry and fexit (EPERM)' };
  assert.deepEqual(states(), [{ state: 'there' }, refused, refused]);
});
