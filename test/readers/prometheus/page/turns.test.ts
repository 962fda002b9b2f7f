import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Turns } from '../../../../src/readers/prometheus/page/turns.ts';

describe('Turns', () => {
  const { signal } = new AbortController();

  it('does so much at once, and the rest in the order of its coming', async () => {
    const turns = new Turns(2);
    const begun: number[] = [];
    const gates = [0, 1, 2, 3].map(() => Promise.withResolvers<void>());
    const all = gates.map((gate, index) =>
      turns.run(async () => {
        begun.push(index);
        await gate.promise;
        return index;
      }, signal),
    );
    assert.deepEqual(begun, [0, 1]);
    gates[1]!.resolve();
    assert.equal(await all[1], 1);
    assert.deepEqual(begun, [0, 1, 2]);
    for (const gate of gates) gate.resolve();
    assert.deepEqual(await Promise.all(all), [0, 1, 2, 3]);
    assert.deepEqual(begun, [0, 1, 2, 3]);
  });

  it('never begins what is given up while it waits, and goes on with the next', async () => {
    const turns = new Turns(1);
    const gate = Promise.withResolvers<void>();
    const first = turns.run(() => gate.promise, signal);
    const gone = new AbortController();
    const dropped = turns.run(() => assert.fail('it was begun'), gone.signal);
    const next = turns.run(async () => 'next', signal);
    gone.abort(new Error('nobody waits'));
    await assert.rejects(dropped, /nobody waits/);
    await assert.rejects(
      turns.run(() => assert.fail('it was begun'), gone.signal),
      /nobody waits/,
    );
    gate.resolve();
    await first;
    assert.equal(await next, 'next');
  });

  it('goes on after work that failed', async () => {
    const turns = new Turns(1);
    const failing = turns.run(() => Promise.reject(new Error('no memory')), signal);
    const next = turns.run(async () => 'next', signal);
    await assert.rejects(failing, /no memory/);
    assert.equal(await next, 'next');
  });
});
