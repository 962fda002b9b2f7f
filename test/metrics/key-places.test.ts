import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeyPlaces } from '../../src/metrics/key-places.ts';

/** Keys are numbers here; places are handed out one after the other and never again. */
class Owner {
  readonly acquired: number[] = [];
  readonly released: number[] = [];
  readonly live = new Map<number, number>();
  readonly #size: number;
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  acquire(keys: Uint8Array, offset: number): number {
    const key = Buffer.from(keys).readUIntLE(offset, Math.min(this.#size, 6));
    this.acquired.push(key);
    const place = this.#next++;
    this.live.set(place, key);
    return place;
  }

  release(place: number): void {
    assert.ok(this.live.has(place), `place ${place} was released twice`);
    this.released.push(this.live.get(place)!);
    this.live.delete(place);
  }
}

function pack(keys: readonly number[], size: number): Uint8Array {
  const bytes = Buffer.alloc(keys.length * size);
  for (const [index, key] of keys.entries()) bytes.writeUIntLE(key, index * size, Math.min(size, 6));
  return bytes;
}

/** Runs the readings one after the other; the owner, with what the last one acquired and released. */
function run(size: number, ...readings: number[][]): Owner {
  const owner = new Owner(size);
  const places = new KeyPlaces(size);
  for (const reading of readings) {
    owner.acquired.length = 0;
    owner.released.length = 0;
    const found = places.update(pack(reading, size), reading.length, owner);
    const keys = reading.map((_, entry) => owner.live.get(found[entry]!));
    assert.deepEqual(keys, reading, 'every entry has the place of its key');
    assert.equal(owner.live.size, reading.length, 'every place belongs to an entry');
  }
  return owner;
}

const cases: { name: string; before: number[]; after: number[]; acquired: number[]; released: number[] }[] = [
  { name: 'nothing changed', before: [1, 2, 3], after: [1, 2, 3], acquired: [], released: [] },
  { name: 'the first reading', before: [], after: [1, 2], acquired: [1, 2], released: [] },
  { name: 'everything gone', before: [1, 2], after: [], acquired: [], released: [1, 2] },
  { name: 'one inserted in the middle', before: [1, 2, 3], after: [1, 9, 2, 3], acquired: [9], released: [] },
  { name: 'one inserted at the end', before: [1, 2], after: [1, 2, 9], acquired: [9], released: [] },
  { name: 'one removed in the middle', before: [1, 2, 3], after: [1, 3], acquired: [], released: [2] },
  { name: 'one removed at the end', before: [1, 2, 3], after: [1, 2], acquired: [], released: [3] },
  { name: 'one replaced', before: [1, 2, 3], after: [1, 9, 3], acquired: [9], released: [2] },
  { name: 'moved to the front', before: [1, 2, 3, 4], after: [4, 1, 2, 3], acquired: [], released: [] },
  { name: 'reversed', before: [1, 2, 3, 4, 5, 6], after: [6, 5, 4, 3, 2, 1], acquired: [], released: [] },
  {
    name: 'a run longer than the window inserted',
    before: [1, 2, 3],
    after: [10, 11, 12, 13, 14, 15, 16, 1, 2, 3],
    acquired: [10, 11, 12, 13, 14, 15, 16],
    released: [],
  },
  {
    name: 'a run longer than the window removed',
    before: [1, 2, 3, 4, 5, 6, 7, 8, 9],
    after: [1, 9],
    acquired: [],
    released: [2, 3, 4, 5, 6, 7, 8],
  },
  { name: 'all replaced', before: [1, 2, 3], after: [7, 8, 9], acquired: [7, 8, 9], released: [1, 2, 3] },
  { name: 'the same key twice stays twice', before: [5, 5, 1], after: [5, 5, 1], acquired: [], released: [] },
  { name: 'one of two equal keys gone', before: [5, 1, 5], after: [1, 5], acquired: [], released: [5] },
  { name: 'a second equal key comes', before: [5, 1], after: [5, 1, 5], acquired: [5], released: [] },
];

describe('KeyPlaces', () => {
  for (const size of [3, 4, 8, 13, 16]) {
    for (const { name, before, after, acquired, released } of cases) {
      it(`${name}, keys of ${size} bytes`, () => {
        const owner = run(size, before, after);
        assert.deepEqual(owner.acquired.toSorted(), acquired.toSorted());
        assert.deepEqual(owner.released.toSorted(), released.toSorted());
      });
    }
  }

  it('finds every surviving key again through a hundred readings in which keys come, go and move', () => {
    let random = 12345;
    const below = (bound: number) => {
      random = (Math.imul(random, 1103515245) + 12345) >>> 0;
      return random % bound;
    };
    const owner = new Owner(8);
    const places = new KeyPlaces(8);
    let keys = Array.from({ length: 997 }, (_, index) => index + 1);
    let next = 1000;
    for (let reading = 0; reading < 100; reading++) {
      const survivors = new Set(keys);
      const before = new Map([...owner.live].map(([place, key]) => [key, place]));
      const found = places.update(pack(keys, 8), keys.length, owner);
      for (const [entry, key] of keys.entries()) {
        if (before.has(key)) assert.equal(found[entry], before.get(key));
      }
      assert.deepEqual(new Set(owner.live.values()), survivors);
      keys = keys.filter(() => below(50) !== 0);
      for (let i = below(20); i > 0; i--) keys.splice(below(keys.length), 0, next++);
      if (below(4) === 0) keys.push(keys.shift()!);
    }
  });

  it('asks for new places before it gives old ones back', () => {
    const order: string[] = [];
    const places = new KeyPlaces(4);
    const owner = { acquire: () => order.push('acquire'), release: () => void order.push('release') };
    places.update(pack([1], 4), 1, owner);
    places.update(pack([2], 4), 1, owner);
    assert.deepEqual(order, ['acquire', 'acquire', 'release']);
  });
});
