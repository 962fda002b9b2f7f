import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TablePlan } from '../../src/config/plan.ts';
import { Store } from '../../src/metrics/store.ts';
import { Tallies } from '../../src/metrics/tallies.ts';
import { counter, FakeMap, FakeMemory, fakeReaders, NO_FACTS, programPlan, tablePlan } from '../helpers/fake-maps.ts';

const keys = 11;
const labels = 3;
const elements = 4;
const elementBytes = 24;
const events = 20;
/** More than is counted between two readings at the end, so that what begins anew has less than before. */
const most = events * 3;

/** Numbers 0 … below - 1, the same for the same seed (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** A kernel whose keys {u32 id + 1; u32 label} count in a map and in elements in front of it, and leave both in every way. */
class Kernel {
  readonly map = new FakeMap('events', 8, 8);
  readonly memory = new FakeMemory('cache', elements * elementBytes);
  readonly counted = new Array<number>(labels).fill(0);
  readonly #inMap = new Map<number, number>();
  readonly #cache = new Array<{ key: number; value: number } | undefined>(elements);
  /** They come back after the next reading at the earliest, or nobody could tell that they had been gone. */
  readonly #left = new Set<number>();
  readonly #random: (below: number) => number;

  constructor(seed: number) {
    this.#random = random(seed);
    this.map.evicts = true;
    // One of each label that stays.
    for (let label = 0; label < labels; label++) this.#inMap.set(label, 0);
  }

  /** Some keys go, and some of the map count from zero again, just after a reading. */
  leave(): void {
    this.#left.clear();
    for (let key = labels; key < keys; key++) {
      if (this.#random(6) > 0) continue;
      this.#left.add(key);
      this.#inMap.delete(key);
      for (let i = 0; i < elements; i++) if (this.#cache[i]?.key === key) this.#cache[i] = undefined;
    }
    const isCached = (key: number) => this.#cache.some((held) => held?.key === key);
    for (const [key, value] of this.#inMap) {
      if (this.#random(8) === 0 && value > most && !isCached(key)) this.#inMap.set(key, 0);
    }
  }

  /** Numbers from 1 to `largest` are counted. */
  count(largest: number): void {
    for (let event = 0; event < events; event++) {
      const key = this.#random(keys);
      if (this.#left.has(key)) continue;
      const value = 1 + this.#random(largest);
      this.counted[key % labels]! += value;
      const place = this.#random(elements * 2);
      const held = this.#cache[place];
      if (place >= elements || (held !== undefined && held.key !== key && this.#random(2) === 0)) {
        this.#inMap.set(key, (this.#inMap.get(key) ?? 0) + value);
        continue;
      }
      if (held !== undefined && held.key !== key) {
        this.#inMap.set(held.key, (this.#inMap.get(held.key) ?? 0) + held.value);
      }
      this.#cache[place] = { key, value: (held?.key === key ? held.value : 0) + value };
    }
  }

  /** Shows what there is. */
  write(): void {
    this.map.content.clear();
    for (const [key, value] of this.#inMap) this.map.set([key + 1, key % labels], [value]);
    this.memory.bytes.fill(0);
    for (const [i, held] of this.#cache.entries()) {
      if (held === undefined) continue;
      this.memory.bytes.writeUInt32LE(held.key + 1, i * elementBytes);
      this.memory.bytes.writeUInt32LE(held.key % labels, i * elementBytes + 4);
      this.memory.bytes.writeBigUInt64LE(BigInt(held.value), i * elementBytes + 8);
    }
  }
}

const plan: TablePlan = {
  ...tablePlan('events', ['id', 'label'], 1, [counter('events')]),
  source: {
    kind: 'entries',
    map: 'events',
    perCpu: 'no',
    cache: {
      memory: { map: 'cache', offset: 0 },
      dimensions: [{ name: 'place', cpu: false, count: elements, stride: elementBytes }],
      keyOffset: 0,
      valueOffset: 8,
    },
  },
};

for (let seed = 1; seed <= 20; seed++) {
  test(`series that several keys lead to count every event once, however keys come and go (seed ${seed})`, async () => {
    const kernel = new Kernel(seed);
    const label = { ...plan.labels[1]! };
    const program = {
      plan: programPlan('test', [{ ...plan, labels: [label] }]),
      readers: fakeReaders([kernel.map, kernel.memory]),
      startTime: [1, 0] as [number, number],
    };
    const store = new Store([program], NO_FACTS, new Tallies());
    for (let reading = 0; reading < 60; reading++) {
      kernel.count(reading < 3 ? 1e9 : 3);
      kernel.write();
      const [rows] = (await store.read()).tables;
      const values = Array.from({ length: labels }, (_, row) => rows!.cells[row]);
      const order = Array.from({ length: labels }, (_, row) => Number(rows!.attributes(row).label));
      assert.deepEqual(
        order.map((one) => kernel.counted[one]),
        values,
        `reading ${reading}`,
      );
      if (reading >= 3) kernel.leave();
    }
  });
}
