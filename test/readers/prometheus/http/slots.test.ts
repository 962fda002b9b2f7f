import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Slots } from '../../../../src/readers/prometheus/http/slots.ts';
import { FakeExchange } from '../../../helpers/fake-exchange.ts';

describe('Slots', () => {
  it('has as many as it says, and again when one is freed, twice or once', () => {
    const slots = new Slots(2);
    const [a, b, c] = ['x', 'x', 'x'].map((client) => new FakeExchange(client));
    assert.deepEqual(
      [slots.take(a!), slots.take(b!), slots.take(c!)],
      [{ taken: true }, { taken: true }, { taken: false }],
    );
    slots.free(a!);
    slots.free(a!);
    assert.deepEqual(slots.take(c!), { taken: true });
    assert.deepEqual(slots.take(a!), { taken: false });
  });

  it('gives the last slot of the client with most to one with at least two fewer', () => {
    const slots = new Slots(4);
    const greedy = Array.from({ length: 4 }, () => new FakeExchange('greedy'));
    for (const each of greedy) assert.equal(slots.take(each).taken, true);
    const first = new FakeExchange('scraper');
    assert.deepEqual(slots.take(first), { taken: true, from: greedy[3] });
    const second = new FakeExchange('scraper');
    assert.deepEqual(slots.take(second), { taken: true, from: greedy[2] });
    // Two and two: they would only change places.
    assert.deepEqual(slots.take(new FakeExchange('scraper')), { taken: false });
    assert.deepEqual(slots.take(new FakeExchange('greedy')), { taken: false });
    assert.deepEqual(slots.take(new FakeExchange('third')), { taken: true, from: second });
  });

  it('leaves those alone who have one each', () => {
    const slots = new Slots(2);
    for (const client of ['a', 'b']) slots.take(new FakeExchange(client));
    assert.deepEqual(slots.take(new FakeExchange('c')), { taken: false });
  });
});
