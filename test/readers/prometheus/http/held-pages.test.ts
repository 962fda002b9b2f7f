import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HeldPages } from '../../../../src/readers/prometheus/http/held-pages.ts';
import { FakeExchange } from '../../../helpers/fake-exchange.ts';

function heldPages(mostBytes: number) {
  const rejected: string[] = [];
  const held = new HeldPages({ mostBytes, rejected: (reason) => rejected.push(reason) });
  const hold = (client: string, page: Buffer) => {
    const exchange = new FakeExchange(client);
    held.hold(exchange, page);
    return exchange;
  };
  return { held, hold, rejected };
}

const page = (bytes: number) => Buffer.allocUnsafeSlow(bytes);
const overs = (exchanges: readonly FakeExchange[]) => exchanges.map(({ isOver }) => isOver);

describe('HeldPages', () => {
  it('counts a page once however many take it, until the last has', () => {
    const { held, hold } = heldPages(1000);
    const shared = page(100);
    const first = hold('a', shared.subarray(0, 80));
    const second = hold('b', shared.subarray(0, 80));
    assert.equal(held.bytes, 100);
    const other = hold('a', page(7));
    assert.equal(held.bytes, 107);
    first.end();
    assert.equal(held.bytes, 107);
    second.end();
    assert.equal(held.bytes, 7);
    other.end();
    assert.equal(held.bytes, 0);
  });

  it('breaks off the oldest answers of the client that holds most, and counts them', () => {
    const { held, hold, rejected } = heldPages(1000);
    const scraper = hold('scraper', page(100));
    const slow = Array.from({ length: 9 }, () => hold('slow', page(100)));
    assert.equal(held.bytes, 1000);
    assert.deepEqual(rejected, []);
    const next = hold('other', page(150));
    assert.deepEqual(overs(slow), [true, true, ...Array<boolean>(7).fill(false)]);
    assert.deepEqual(overs([scraper, next]), [false, false]);
    assert.deepEqual(rejected, ['slow', 'slow']);
    assert.equal(held.bytes, 950);
  });

  it('breaks off the oldest where all hold as much', () => {
    const { hold } = heldPages(300);
    const exchanges = ['a', 'b', 'c', 'd', 'e'].map((client) => hold(client, page(90)));
    // Four pages of that size are always allowed.
    assert.deepEqual(overs(exchanges), [true, false, false, false, false]);
  });

  it('lets four pages be taken that are larger than the limit, and never breaks off the newest', () => {
    const { held, hold } = heldPages(10);
    const exchanges = Array.from({ length: 5 }, () => hold('a', page(100)));
    assert.deepEqual(overs(exchanges), [true, false, false, false, false]);
    assert.equal(held.bytes, 400);
    const huge = hold('b', page(1000));
    assert.equal(huge.isOver, false);
    assert.deepEqual(overs(exchanges).slice(1), [false, false, false, false]);
  });

  it('goes on until there is room where many share what is broken off', () => {
    const { held, hold, rejected } = heldPages(400);
    const shared = page(250);
    for (let reader = 0; reader < 50; reader++) hold('slow', shared);
    hold('scraper', page(50));
    const next = hold('scraper', page(80));
    assert.deepEqual([held.bytes, rejected.length], [380, 0]);
    const last = hold('scraper', page(100));
    assert.equal(held.bytes, 230);
    assert.deepEqual(overs([next, last]), [false, false]);
    assert.equal(rejected.length, 50);
  });
});
