import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildLoad } from '../../../bench/kernel/build.ts';
import { count } from './counting.ts';
import { holdCommand } from './held.ts';

const load = buildLoad();

test('system calls of a process are counted by name', async () => {
  const held = holdCommand([load, 'getppid', '101']);
  using syscall = count('syscall', { constants: { only_tgid: held.pid } });
  await held.run();
  const calls = await syscall.numbers('syscall.calls');
  assert.equal(calls.get('getppid'), 101);
  assert.equal(calls.get('execve'), 1);
  // It doesn't return.
  assert.equal(calls.has('exit_group'), false);
  assert.equal((await syscall.numbers('syscall.errors')).has('getppid'), false);
});

test('errors are counted by name and errno', async () => {
  const held = holdCommand([load, 'close', '103']);
  using syscall = count('syscall', { constants: { only_tgid: held.pid }, metrics: ['syscall.errors'] });
  await held.run();
  const errors = await syscall.numbers('syscall.errors');
  assert.equal(errors.get('close EBADF'), 103);
});

test('keys that meet in the cache are counted in the map behind it', async () => {
  const held = holdCommand([load, 'invalid', '3']);
  using syscall = count('syscall', { constants: { only_tgid: held.pid }, metrics: ['syscall.errors'] });
  await held.run();
  const errors = await syscall.numbers('syscall.errors');
  // More than there are places.
  for (let number = 337; number < 424; number++) assert.equal(errors.get(`unknown_syscall:${number} ENOSYS`), 3);
  assert.equal(errors.has('unknown_syscall:100000 ENOSYS'), false, 'else any user could fill the map');
});

test('what a full map has no room for is counted as lost', async () => {
  const command = [load, 'invalid', '3'];
  const errorsOf = async (maxEntries: Record<string, number>) => {
    const held = holdCommand(command);
    using syscall = count('syscall', { constants: { only_tgid: held.pid }, maxEntries });
    await held.run();
    const errors = [...(await syscall.numbers('syscall.errors')).values()].reduce((sum, value) => sum + value, 0);
    return { errors, lost: (await syscall.numbers('syscall.errors.lost')).get('')! };
  };
  const all = await errorsOf({});
  assert.equal(all.lost, 0);
  const few = await errorsOf({ syscall_errors: 1 });
  assert.ok(few.lost >= 3, `${few.lost} lost`);
  assert.equal(few.errors + few.lost, all.errors);
});

test('a call that is interrupted and started again is no error', async () => {
  const held = holdCommand([
    'sh',
    '-c',
    'sleep 30 & child=$!; kill -STOP $child; kill -CONT $child; kill $child; wait',
  ]);
  using syscall = count('syscall');
  await held.run();
  const errors = [...(await syscall.numbers('syscall.errors')).keys()];
  assert.deepEqual(
    errors.filter((key) => / (unknown|ERESTART)/.test(key)),
    [],
  );
});
