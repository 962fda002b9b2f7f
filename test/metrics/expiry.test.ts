import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProgramPlan, TablePlan } from '../../src/config/plan.ts';
import { expiriesOf, type GoneCgroups } from '../../src/metrics/expiry.ts';
import { MapCache } from '../../src/metrics/map-cache.ts';
import { Store } from '../../src/metrics/store.ts';
import { Tallies } from '../../src/metrics/tallies.ts';
import { counter, FakeMap, FakeMemory, fakeReaders, NO_FACTS, programPlan, tablePlan } from '../helpers/fake-maps.ts';

const minute = 60_000;
const cached = { key: 0, value: 16, size: 24 };

/** A map of 8 keys {u64 cgroup; u32 kind; u32 unused} and two CPUs with two places each in front of it. */
class Machine implements GoneCgroups {
  readonly map = new FakeMap('events', 16, 8);
  readonly cache = new FakeMemory('cache', 4 * cached.size);
  readonly goneAt = new Map<bigint, number>();
  now = 0;
  updates = 0;

  constructor() {
    this.map.maxEntries = 8;
  }

  update(): void {
    this.updates++;
  }

  goneFor(id: bigint): number | undefined {
    const at = this.goneAt.get(id);
    return at === undefined ? undefined : this.now - at;
  }

  /** Puts a key into a place of the cache. */
  cacheAt(place: number, cgroup: number, value: number): void {
    this.cache.bytes.writeBigUInt64LE(BigInt(cgroup), place * cached.size);
    this.cache.bytes.writeBigUInt64LE(BigInt(value), place * cached.size + cached.value);
  }

  plan(): ProgramPlan {
    const table = tablePlan('events', ['low', 'high', 'kind', 'unused'], 1, [counter('events')]);
    const dimensions = [
      { name: 'cpu', cpu: true, count: 2, stride: 2 * cached.size },
      { name: 'place', cpu: false, count: 2, stride: cached.size },
    ];
    const memory = { map: 'cache', offset: 0 };
    const cache = { memory, dimensions, keyOffset: cached.key, valueOffset: cached.value };
    const source: TablePlan['source'] = { kind: 'entries', map: 'events', perCpu: 'no', cache, expire: { offset: 0 } };
    return programPlan('test', [{ ...table, source }]);
  }

  /** Answers what an Expiry does as time goes by. */
  expiry(): (now: number) => { removed: number; left: number[]; cached: number[] } {
    const maps = new MapCache(fakeReaders([this.map, this.cache]));
    const [expiry] = expiriesOf(this.plan(), maps);
    return (now) => {
      this.now = now;
      maps.reset();
      const removed = expiry!.run(this, now);
      const left = [...this.map.content.keys()].map((key) => Number(Buffer.from(key, 'hex').readBigUInt64LE()));
      const places = [0, 1, 2, 3].map((place) => Number(this.cache.bytes.readBigUInt64LE(place * cached.size)));
      return { removed, left, cached: places };
    };
  }
}

test('keys go five minutes after their cgroup, from the cache of every CPU too', () => {
  const machine = new Machine();
  machine.map.set([7, 0, 1, 0], [5]);
  machine.map.set([7, 0, 2, 0], [6]);
  machine.map.set([8, 0, 1, 0], [7]);
  machine.cacheAt(0, 7, 10);
  machine.cacheAt(3, 7, 20);
  machine.cacheAt(2, 8, 30);
  const run = machine.expiry();
  assert.deepEqual(run(0), { removed: 0, left: [7, 7, 8], cached: [7, 0, 8, 7] });
  machine.goneAt.set(7n, minute);
  assert.deepEqual(run(6 * minute - 1).removed, 0);
  assert.deepEqual(run(7 * minute), { removed: 3, left: [8], cached: [0, 0, 8, 0] });
  // The kind of the keys in the cache is 0: three keys in all.
  assert.equal(machine.cache.bytes.readBigUInt64LE(cached.value), 0n);
  assert.equal(machine.cache.bytes.readBigUInt64LE(2 * cached.size + cached.value), 30n);
  assert.deepEqual(run(20 * minute), { removed: 0, left: [8], cached: [0, 0, 8, 0] });
});

test('while there is room keys are looked through every ten seconds', () => {
  const machine = new Machine();
  machine.map.set([7, 0, 0, 0], [5]);
  machine.goneAt.set(7n, -5 * minute + 4_000);
  const run = machine.expiry();
  assert.equal(run(0).removed, 0);
  assert.equal(run(9_999).removed, 0);
  assert.equal(run(10_000).removed, 1);
});

test('in a map that is nearly full the longest gone go early, after one more reading, until there is room', () => {
  const machine = new Machine();
  for (let id = 1; id <= 8; id++) machine.map.set([id, 0, 0, 0], [1]);
  const run = machine.expiry();
  run(0);
  machine.goneAt.set(5n, 900);
  machine.goneAt.set(3n, 800);
  machine.goneAt.set(2n, 950);
  // They were noticed before this reading and after the last: this one is the first with their last numbers.
  assert.deepEqual(run(1_000).left, [1, 2, 3, 4, 5, 6, 7, 8]);
  // 6 of 8 is what may be full.
  assert.deepEqual(run(1_200), { removed: 2, left: [1, 2, 4, 6, 7, 8], cached: [0, 0, 0, 0] });
  assert.equal(run(1_400).removed, 0);
});

test('what went while a long reading was taken over stays until its last numbers are read', () => {
  const machine = new Machine();
  for (let id = 1; id <= 8; id++) machine.map.set([id, 0, 0, 0], [1]);
  const maps = new MapCache(fakeReaders([machine.map, machine.cache]));
  const [expiry] = expiriesOf(machine.plan(), maps);
  const run = (now: number, since: number) => {
    machine.now = now + since;
    maps.reset();
    return expiry!.run(machine, now, since);
  };
  run(0, 0);
  // After the reading at 200 had begun, which took 700.
  machine.goneAt.set(5n, 300);
  assert.equal(run(200, 700), 0);
  assert.equal(run(1_000, 100), 0);
  assert.equal(run(1_200, 0), 1);
});

test('the store asks before each reading, ends the series of what expired, and counts it', async () => {
  const machine = new Machine();
  machine.map.set([7, 0, 0, 0], [5]);
  machine.cacheAt(0, 7, 10);
  machine.cacheAt(1, 9, 1);
  const tallies = new Tallies();
  const program = { plan: machine.plan(), readers: fakeReaders([machine.map, machine.cache]) };
  const store = new Store([{ ...program, startTime: [1, 0] }], NO_FACTS, tallies, machine);
  assert.deepEqual([...tallies.expired()], [{ program: 'test', map: 'events', count: 0 }]);
  machine.goneAt.set(7n, 0);
  machine.now = 6 * minute;
  const [table] = (await store.read()).tables;
  assert.equal(machine.updates, 1);
  assert.equal(table!.used, 2);
  assert.equal(table!.cells[0]! + table!.cells[1]!, 16);
  assert.deepEqual([...tallies.expired()], [{ program: 'test', map: 'events', count: 1 }]);
  await store.read();
  assert.equal(table!.used, 1);
});

test('without somebody who knows what is gone nothing is removed', async () => {
  const machine = new Machine();
  machine.map.set([7, 0, 0, 0], [5]);
  const tallies = new Tallies();
  const program = { plan: machine.plan(), readers: fakeReaders([machine.map, machine.cache]) };
  const store = new Store([{ ...program, startTime: [1, 0] }], NO_FACTS, tallies);
  await store.read();
  assert.deepEqual([...tallies.expired()], []);
  assert.equal(machine.map.content.size, 1);
});

test('a series that others lead to keeps what keys that expired have counted, in the map and in the caches', async () => {
  const machine = new Machine();
  // Two cgroups of one service, of which the first is gone: the id is left out.
  machine.map.set([7, 0, 1, 0], [40]);
  machine.cacheAt(0, 7, 1000);
  machine.cacheAt(3, 7, 3);
  machine.cacheAt(2, 8, 10);
  machine.map.set([8, 0, 1, 0], [5]);
  const plan = machine.plan();
  const [table] = plan.tables;
  const shared = { ...plan, tables: [{ ...table!, labels: [] }] };
  const program = { plan: shared, readers: fakeReaders([machine.map, machine.cache]) };
  const store = new Store([{ ...program, startTime: [1, 0] }], NO_FACTS, new Tallies(), machine);
  const total = async () => {
    const [rows] = (await store.read()).tables;
    assert.equal(rows!.used, 1);
    return rows!.cells[0];
  };
  machine.goneAt.set(7n, 0);
  machine.now = 6 * minute;
  // It is the reading after which they are removed.
  assert.equal(await total(), 1058);
  assert.equal(machine.map.content.size, 1);
  machine.cacheAt(2, 8, 11);
  assert.equal(await total(), 1059);
  machine.cacheAt(0, 8, 100);
  assert.equal(await total(), 1159);
  assert.equal(await total(), 1159);
});
