import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildLoad } from '../../../bench/kernel/build.ts';
import { count } from './counting.ts';
import { holdCommand } from './held.ts';

const load = buildLoad();

test('timers are counted by the function that they call', async () => {
  const held = holdCommand([load, 'timeout', '23']);
  using timer = count('timer', { constants: { only_tgid: held.pid } });
  await held.run();
  const starts = await timer.numbers('timer.starts');
  // What soft interrupts start while they interrupt the process is counted too; these are only started by a process.
  assert.equal(starts.get('process_timeout'), 23);
});
