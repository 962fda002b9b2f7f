import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CardinalityLimits } from '../../src/config/exporter/configuration.ts';
import type { TablePlan } from '../../src/config/plan.ts';
import { limitedTables } from '../../src/metrics/limits.ts';
import { ObservedStore } from '../../src/metrics/observed-store.ts';
import { Store } from '../../src/metrics/store.ts';
import type { Table } from '../../src/metrics/table.ts';
import { Tallies } from '../../src/metrics/tallies.ts';
import {
  counter,
  FakeMap,
  FakeMemory,
  fakeReaders,
  histogram,
  NO_FACTS,
  programPlan,
  tablePlan,
  u64Field,
  uintLabel,
} from '../helpers/fake-maps.ts';

function contents(table: Table): Record<string, number[]> {
  const rows: Record<string, number[]> = {};
  const { width } = table.plan;
  for (let row = 0; row < table.length; row++) {
    if (!table.isUsed(row)) continue;
    const labels = Object.entries(table.attributes(row)).map((pair) => pair.join('='));
    rows[labels.join(',')] = [...table.cells.subarray(row * width, (row + 1) * width)];
  }
  return rows;
}

function setUp(plan: TablePlan, maps: (FakeMap | FakeMemory)[], ...limits: CardinalityLimits[]) {
  const tallies = new Tallies();
  const program = {
    plan: programPlan('test', [plan]),
    readers: fakeReaders(maps, 1),
    startTime: [100, 0] as [number, number],
  };
  const store = new Store([program], NO_FACTS, tallies, undefined, limits);
  const read = async (reader = 0): Promise<Record<string, number[]>> => {
    const { errors, tables } = await new ObservedStore(store, () => {}).withTables(store.tablesOf(reader)).read();
    assert.deepEqual(errors, []);
    assert.deepEqual(tables, store.tablesOf(reader));
    return Object.assign({}, ...store.tablesOf(reader).map(contents));
  };
  const overflowed = () => [...tallies.overflows()].reduce((sum, { count }) => sum + count, 0);
  return { store, read, overflowed };
}

const OVERFLOW = 'otel.metric.overflow=true';

describe('the cardinality limit', () => {
  const plan = tablePlan('events', ['a'], 1, [counter('events')]);

  it('sums what came last into one series, and counts it', async () => {
    const map = new FakeMap('events', 4, 8);
    const { read, overflowed } = setUp(plan, [map], { default: 2 });
    map.set([1], [10]);
    map.set([2], [20]);
    assert.deepEqual(await read(), { 'a=1': [10], 'a=2': [20] });
    assert.equal(overflowed(), 0);
    map.set([3], [31]);
    map.set([4], [43]);
    assert.deepEqual(await read(), { 'a=1': [10], 'a=2': [20], [OVERFLOW]: [74] });
    assert.equal(overflowed(), 2);
    map.set([3], [32]);
    assert.deepEqual(await read(), { 'a=1': [10], 'a=2': [20], [OVERFLOW]: [75] });
    assert.equal(overflowed(), 2);
  });

  it('never lets the sum fall: what keys outside have counted stays when they go, and what comes later may come in', async () => {
    const map = new FakeMap('events', 4, 8);
    const { read } = setUp(plan, [map], { observable_counter: 1 });
    for (const [key, value] of [1, 2, 3].entries()) map.set([key], [value * 10]);
    assert.deepEqual(await read(), { 'a=0': [10], [OVERFLOW]: [50] });
    map.delete([1]);
    assert.deepEqual(await read(), { 'a=0': [10], [OVERFLOW]: [50] });
    map.delete([0]);
    map.set([2], [37]);
    assert.deepEqual(await read(), { [OVERFLOW]: [57] }, 'one that is outside stays there');
    map.set([1], [7]);
    assert.deepEqual(await read(), { 'a=1': [7], [OVERFLOW]: [57] });
    map.delete([2]);
    assert.deepEqual(await read(), { 'a=1': [7], [OVERFLOW]: [57] });
    map.delete([1]);
    assert.deepEqual(await read(), { [OVERFLOW]: [57] });
    map.set([2], [5]);
    map.set([3], [6]);
    assert.deepEqual(await read(), { 'a=2': [5], [OVERFLOW]: [63] });
  });

  it('leaves nothing out where as many go as come', async () => {
    const map = new FakeMap('events', 4, 8);
    const { read, overflowed } = setUp(plan, [map], { default: 5 });
    for (let round = 0; round < 4; round++) {
      map.content.clear();
      for (let i = 0; i < 5; i++) map.set([round * 5 + i], [round]);
      assert.equal(Object.keys(await read()).length, 5);
    }
    assert.equal(overflowed(), 0);
  });

  it('takes many more than twice the limit at once', async () => {
    const map = new FakeMap('events', 4, 8);
    const { read, store, overflowed } = setUp(plan, [map], { default: 3 });
    for (let i = 0; i < 101; i++) map.set([i], [1]);
    assert.deepEqual(await read(), { 'a=0': [1], 'a=1': [1], 'a=2': [1], [OVERFLOW]: [98] });
    assert.equal(overflowed(), 98);
    assert.ok(store.tables[0]!.length <= 7, 'no rows are made for all of them');
    map.content.clear();
    for (let i = 200; i < 301; i++) map.set([i], [1]);
    assert.deepEqual(await read(), { 'a=200': [1], 'a=201': [1], 'a=202': [1], [OVERFLOW]: [196] });
  });

  it('is not there for a map that has no room for so many', () => {
    const map = new FakeMap('events', 4, 8);
    map.maxEntries = 10;
    assert.equal(setUp(plan, [map], { default: 10 }).store.tables.length, 1);
    assert.equal(setUp(plan, [map], { default: 9 }).store.tables.length, 2);
    assert.equal(setUp(plan, [map], {}).store.tables.length, 1);
    map.maxEntries = 10_001;
    assert.equal(setUp(plan, [map], {}).store.tables.length, 2);
  });

  it('sums histograms bucket by bucket, also where the bucket is in the key', async () => {
    const label = uintLabel('bucket', 4);
    const bucketKey = { label, columns: new Map([0, 1, 2, 3].map((i) => [i, i] as const)) };
    const inKey = {
      ...tablePlan('events', ['a'], 4, [histogram('h', 2)]),
      keySize: 8,
      bucketKey,
      fields: [u64Field(1)],
    };
    const map = new FakeMap('events', 8, 8);
    for (const a of [1, 2, 3]) for (let bucket = 0; bucket < 3; bucket++) map.set([a, bucket], [a * 10 + bucket]);
    const { read } = setUp(inKey, [map], { histogram: 1 });
    assert.deepEqual(await read(), { 'a=1': [10, 11, 12, 0], [OVERFLOW]: [50, 52, 54, 0] });
    for (let bucket = 0; bucket < 3; bucket++) map.delete([2, bucket]);
    assert.deepEqual(await read(), { 'a=1': [10, 11, 12, 0], [OVERFLOW]: [50, 52, 54, 0] });
  });

  it('keeps elements of an array inside that were there first', async () => {
    const memory = new FakeMemory('array', 4 * 8);
    const dimensions = [{ name: 'a', cpu: false, count: 4, stride: 8 }];
    const source = { kind: 'indexed' as const, memory: { map: 'array', offset: 0 }, dimensions, zeros: false };
    const { read } = setUp({ ...plan, source }, [memory], { default: 1 });
    memory.bytes.writeBigUInt64LE(5n, 16);
    assert.deepEqual(await read(), { 'a=2': [5] });
    memory.bytes.writeBigUInt64LE(7n, 0);
    memory.bytes.writeBigUInt64LE(8n, 24);
    assert.deepEqual(await read(), { 'a=2': [5], [OVERFLOW]: [15] });
    memory.bytes.writeBigUInt64LE(9n, 24);
    assert.deepEqual(await read(), { 'a=2': [5], [OVERFLOW]: [16] });
  });

  it('lets nothing in any more where keys move from a cache to the map', async () => {
    const memory = new FakeMemory('cache', 16);
    const map = new FakeMap('events', 4, 8);
    const cache = {
      memory: { map: 'cache', offset: 0 },
      dimensions: [{ name: 'slot', cpu: false, count: 1, stride: 16 }],
      keyOffset: 0,
      valueOffset: 8,
    };
    const source = { kind: 'entries' as const, map: 'events', perCpu: 'no' as const, cache };
    const { read } = setUp({ ...plan, source }, [memory, map], { default: 1 });
    map.set([1], [10]);
    memory.bytes.writeUInt32LE(2, 0);
    memory.bytes.writeBigUInt64LE(7n, 8);
    const first = await read();
    assert.equal(Object.keys(first).length, 2);
    assert.equal(
      Object.values(first)
        .flat()
        .reduce((sum, value) => sum + value, 0),
      17,
    );
    const inside = Object.keys(first).find((key) => key !== OVERFLOW)!;
    // The one in the cache goes to the map, and what was in the map goes.
    memory.bytes.fill(0);
    map.set([2], [7]);
    map.delete([1]);
    const second = await read();
    assert.ok(second[OVERFLOW]![0]! >= first[OVERFLOW]![0]!);
    assert.equal(second['a=2']?.[0], inside === 'a=2' ? 7 : undefined);
  });

  it('may differ between readers, who share what is the same', async () => {
    const map = new FakeMap('events', 4, 8);
    for (let i = 0; i < 4; i++) map.set([i], [1]);
    const { read, store } = setUp(plan, [map], { default: 1 }, {}, { observable_counter: 1, default: 7 }, { gauge: 1 });
    assert.deepEqual(await read(0), { 'a=0': [1], [OVERFLOW]: [3] });
    assert.equal(Object.keys(await read(1)).length, 4);
    assert.deepEqual(store.tablesOf(0), store.tablesOf(2));
    assert.deepEqual(store.tablesOf(1), store.tablesOf(3));
    assert.equal(map.reads, 2, 'each reading reads the map once');
  });

  it('holds for each kind of instrument, and for a view before all', () => {
    const both = tablePlan('events', ['a'], 5, [counter('events', { cell: 4 }), histogram('h', 2)]);
    assert.deepEqual(
      limitedTables(both, { default: 3 }).map(({ plan: { metrics }, series }) => [metrics.length, series]),
      [[2, 3]],
    );
    assert.equal(limitedTables(both, { default: 3 })[0]!.plan, both);
    assert.deepEqual(
      limitedTables(both, { default: 3, histogram: 5 }).map(({ plan: { metrics }, series }) => [
        metrics[0]!.name,
        series,
      ]),
      [
        ['events', 3],
        ['h', 5],
      ],
    );
    assert.equal(limitedTables({ ...both, limit: 11 }, { histogram: 5 })[0]!.series, 11);
    assert.equal(limitedTables(both, { counter: 5 })[0]!.series, 10_000);
  });
});
