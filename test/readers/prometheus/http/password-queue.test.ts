import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PasswordQueue } from '../../../../src/readers/prometheus/http/password-queue.ts';

/** A queue with one check that ends when the test says so, and the order of what was begun. */
function busyQueue(limits = { most: 100, mostPerClient: 100 }) {
  const queue = new PasswordQueue(limits);
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  void queue.run('flood', () => first.promise, new AbortController().signal);
  const add = (client: string, name: string, signal = new AbortController().signal) =>
    queue.run(
      client,
      async () => {
        order.push(name);
        await new Promise((resolve) => setImmediate(resolve));
      },
      signal,
    );
  return { queue, order, add, end: first.resolve };
}

describe('PasswordQueue', () => {
  it('has a newcomer served next, however many others wait', async () => {
    const { order, add, end } = busyQueue();
    const all = Array.from({ length: 50 }, (_, index) => add('flood', `flood ${index}`));
    all.push(add('scraper', 'scraper'));
    end();
    await Promise.all(all);
    assert.deepEqual(order.slice(0, 2), ['scraper', 'flood 49']);
    assert.equal(order.length, 51);
  });

  it('serves the newest of a client first, so that a flood behind an address holds up hardly anybody there', async () => {
    const { order, add, end } = busyQueue();
    const all = ['1', '2', '3'].map((name) => add('flood', name));
    end();
    await Promise.all(all);
    assert.deepEqual(order, ['3', '2', '1']);
  });

  it('has clients take turns', async () => {
    const { order, add, end } = busyQueue();
    const all = ['a', 'b', 'c'].flatMap((client) => [add(client, `${client}1`), add(client, `${client}2`)]);
    end();
    await Promise.all(all);
    assert.deepEqual(order, ['c2', 'b2', 'a2', 'c1', 'b1', 'a1']);
  });

  it('drops what is given up, and counts it no longer', async () => {
    const { queue, order, add, end } = busyQueue({ most: 3, mostPerClient: 2 });
    const gone = new AbortController();
    const dropped = ['1', '2'].map((name) => add('a', name, gone.signal));
    assert.deepEqual([queue.hasRoom('a'), queue.hasRoom('b')], [false, true]);
    const other = add('b', 'b');
    assert.equal(queue.hasRoom('c'), false);
    gone.abort();
    for (const { status } of await Promise.allSettled(dropped)) assert.equal(status, 'rejected');
    assert.equal(queue.hasRoom('a'), true);
    await assert.rejects(add('a', '3', gone.signal));
    end();
    await other;
    assert.deepEqual(order, ['b']);
    await add('a', 'after');
    assert.deepEqual(order, ['b', 'after']);
  });

  it('goes on after a check that failed', async () => {
    const queue = new PasswordQueue({ most: 2, mostPerClient: 2 });
    const { signal } = new AbortController();
    const failing = queue.run('a', () => Promise.reject(new Error('the thread died')), signal);
    const next = queue.run('a', async () => 7, signal);
    await assert.rejects(failing, /the thread died/);
    assert.equal(await next, 7);
  });
});
