import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inBackground, listenToBackground, repeat } from '../src/background.ts';

test('what fails in the background is told each time, tried again, and is over when it works', async () => {
  const told: string[] = [];
  using _ = listenToBackground({
    failed: (task, error) => told.push(`${task}: ${(error as Error).message}`),
    over: (task) => told.push(`${task}: over`),
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  let runs = 0;
  using __ = repeat('rings', 1, () => {
    if (++runs === 4) resolve();
    if (runs < 3) throw new Error(`run ${runs}`);
  });
  // The timer doesn't hold the process.
  const alive = setInterval(() => {}, 1000);
  await promise;
  clearInterval(alive);
  assert.deepEqual(told, ['rings: run 1', 'rings: run 2', 'rings: over']);
});

test('a task that failed before anybody listened is over all the same', () => {
  inBackground('memory', () => {
    throw new Error('none');
  });
  const told: string[] = [];
  using _ = listenToBackground({ failed: () => told.push('failed'), over: (task) => told.push(task) });
  inBackground('memory', () => {});
  inBackground('memory', () => {});
  assert.deepEqual(told, ['memory']);
});

test('what is repeated ends with its disposal', async () => {
  let runs = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const task = repeat('rings', 1, () => {
    runs++;
    task[Symbol.dispose]();
    setTimeout(resolve, 20);
  });
  const alive = setInterval(() => {}, 1000);
  await promise;
  clearInterval(alive);
  assert.equal(runs, 1);
});
