import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HrTime } from '@opentelemetry/api';
import type { PerfArrayPlan, TablePlan } from '../../src/config/plan.ts';
import { MeterError } from '../../src/errors.ts';
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
  u32s,
  u64Field,
  uintLabel,
} from '../helpers/fake-maps.ts';

const ATTACHED: HrTime = [100, 0];

interface Setup {
  store: Store;
  tallies: Tallies;
  /** Reads the maps and answers the first table's used rows: labels joined by commas → its cells. */
  rows(): Promise<Record<string, number[]>>;
  table: Table;
}

function setup(plan: TablePlan, maps: (FakeMap | FakeMemory)[], cpus = 2): Setup {
  const tallies = new Tallies();
  const program = { plan: programPlan('test', [plan]), readers: fakeReaders(maps, cpus), startTime: ATTACHED };
  const store = new Store([program], NO_FACTS, tallies);
  const table = store.tables[0]!;
  const rows = async () => {
    await store.read();
    return contents(table);
  };
  return { store, tallies, rows, table };
}

function contents(table: Table): Record<string, number[]> {
  const rows: Record<string, number[]> = {};
  const { width } = table.plan;
  for (let row = 0; row < table.length; row++) {
    if (!table.isUsed(row)) continue;
    const labels = Object.values(table.attributes(row)).join(',');
    assert.ok(!(labels in rows), `two rows for ${labels}`);
    rows[labels] = [...table.cells.subarray(row * width, (row + 1) * width)];
  }
  return rows;
}

describe('Store, a map with keys', () => {
  const plan = tablePlan('events', ['a', 'b'], 1, [counter('events')]);

  it('has a row per key, exactly as long as the key is in the map', async () => {
    const map = new FakeMap('events', 8, 8);
    const { rows } = setup(plan, [map]);
    assert.deepEqual(await rows(), {});
    map.set([1, 2], [997]);
    map.set([3, 4], [0]);
    assert.deepEqual(await rows(), { '1,2': [997], '3,4': [0] });
    map.delete([1, 2]);
    map.set([3, 4], [5]);
    assert.deepEqual(await rows(), { '3,4': [5] });
    map.set([1, 2], [1]);
    assert.deepEqual(await rows(), { '1,2': [1], '3,4': [5] });
  });

  it('adds keys that decode to the same labels', async () => {
    const same: TablePlan = { ...plan, labels: [uintLabel('a', 0)] };
    const map = new FakeMap('events', 8, 8);
    map.set([1, 2], [10]);
    map.set([1, 3], [7]);
    map.set([2, 3], [1]);
    const { rows } = setup(same, [map]);
    assert.deepEqual(await rows(), { 1: [17], 2: [1] });
    map.delete([1, 3]);
    assert.deepEqual(await rows(), { 1: [17], 2: [1] }, 'what the vanished key counted stays counted');
    map.set([1, 2], [12]);
    map.set([1, 4], [100]);
    assert.deepEqual(await rows(), { 1: [119], 2: [1] });
    map.delete([1, 2]);
    map.set([1, 3], [5]);
    assert.deepEqual(await rows(), { 1: [124], 2: [1] }, 'one that comes back counts from zero again');
    map.delete([1, 3]);
    map.delete([1, 4]);
    assert.deepEqual(await rows(), { 2: [1] }, 'the series ends with its last key');
    map.set([1, 2], [3]);
    assert.deepEqual(await rows(), { 1: [3], 2: [1] }, 'and begins anew');
  });

  it('goes on where a key is evicted and comes back between two readings', async () => {
    const map = new FakeMap('events', 8, 16);
    map.evicts = true;
    const two: TablePlan = {
      ...tablePlan('events', ['a', 'b'], 2, [counter('events'), counter('bytes', { cell: 1 })]),
      labels: [uintLabel('a', 0)],
    };
    map.set([1, 2], [10, 1000]);
    map.set([1, 3], [7, 700]);
    map.set([2, 3], [5, 500]);
    const { rows } = setup(two, [map]);
    assert.deepEqual(await rows(), { 1: [17, 1700], 2: [5, 500] });
    map.set([1, 2], [3, 300]);
    map.set([1, 3], [19, 1900]);
    map.set([2, 3], [2, 200]);
    assert.deepEqual(await rows(), { 1: [32, 3200], 2: [2, 200] }, 'one alone is for readers to see');
    // Another place among the entries.
    map.delete([1, 2]);
    map.set([1, 4], [1, 100]);
    map.set([1, 2], [2, 150]);
    assert.deepEqual(await rows(), { 1: [35, 3450], 2: [2, 200] });
    assert.deepEqual(await rows(), { 1: [35, 3450], 2: [2, 200] });
  });

  it('shows what a program itself takes back of a number, where no key is evicted', async () => {
    const map = new FakeMap('events', 8, 8);
    map.set([1, 2], [10]);
    map.set([1, 3], [7]);
    const { rows } = setup({ ...plan, labels: [uintLabel('a', 0)] }, [map]);
    assert.deepEqual(await rows(), { 1: [17] });
    map.set([1, 2], [9]);
    assert.deepEqual(await rows(), { 1: [16] });
  });

  it('carries on when a key is replaced by another with the same labels', async () => {
    const map = new FakeMap('events', 8, 8);
    map.set([1, 2], [10]);
    const { rows } = setup({ ...plan, labels: [uintLabel('a', 0)] }, [map]);
    assert.deepEqual(await rows(), { 1: [10] });
    map.delete([1, 2]);
    map.set([1, 3], [1]);
    assert.deepEqual(await rows(), { 1: [11] });
    map.delete([1, 3]);
    map.set([1, 4], [1]);
    assert.deepEqual(await rows(), { 1: [12] });
  });

  it('shows of a gauge only what present keys say', async () => {
    const level = counter('level', { kind: 'gauge', cell: 1 });
    const both: TablePlan = {
      ...tablePlan('events', ['a', 'b'], 2, [counter('events'), level]),
      labels: [uintLabel('a', 0)],
    };
    const map = new FakeMap('events', 8, 16);
    map.set([1, 2], [10, 4]);
    map.set([1, 3], [20, 5]);
    const fields = [u64Field(1), u64Field(1, 8, 1)];
    const { rows } = setup({ ...both, fields }, [map]);
    assert.deepEqual(await rows(), { 1: [30, 9] });
    map.delete([1, 2]);
    assert.deepEqual(await rows(), { 1: [30, 5] });
    map.delete([1, 3]);
    map.set([1, 5], [1, 1]);
    assert.deepEqual(await rows(), { 1: [31, 1] });
  });

  it('starts a series at the attach time, or at the last reading without it', async () => {
    const map = new FakeMap('events', 8, 8);
    map.set([1, 1], [1]);
    const { store, table } = setup(plan, [map]);
    const first = await store.read();
    assert.deepEqual(table.startTime(0), ATTACHED);
    map.set([2, 2], [1]);
    const second = await store.read();
    assert.deepEqual(table.startTime(1), first.time);
    map.delete([1, 1]);
    const third = await store.read();
    map.set([1, 1], [1]);
    await store.read();
    assert.deepEqual(table.startTime(0), third.time);
    assert.notDeepEqual(second.time, third.time);
  });

  it('counts a key that does not decode and exports the rest', async () => {
    const broken: TablePlan = { ...plan, labels: [{ ...uintLabel('a', 0), size: 3 }, uintLabel('b', 4)] };
    const bucket = { label: uintLabel('b', 4), columns: new Map([[1, 0]]) };
    const map = new FakeMap('events', 8, 8);
    map.set([1, 1], [5]);
    map.set([1, 2], [5]);
    const { rows, tallies } = setup({ ...plan, labels: [uintLabel('a', 0)], bucketKey: bucket }, [map]);
    assert.deepEqual(await rows(), { 1: [5] });
    assert.deepEqual(await rows(), { 1: [5] });
    assert.deepEqual([...tallies.decodeErrors()], [{ program: 'test', table: 'events', label: 'b', count: 1 }]);

    const other = setup(broken, [map]);
    assert.deepEqual(await other.rows(), {});
    assert.deepEqual([...other.tallies.decodeErrors()], [{ program: 'test', table: 'events', label: 'a', count: 2 }]);
  });

  it('tells of each reading that lacks keys which do not decode, once for each metric, as long as they are there', async () => {
    const decoders = [{ name: 'uint' }, { name: 'static_map', allowUnknown: true, staticMap: new Map([['2', 'x']]) }];
    const label = { ...uintLabel('a', 0), decoders: [...decoders, { name: 'errno' }] };
    const two = [counter('events'), { ...counter('others'), cell: 0 }];
    const readings = async (more: Partial<TablePlan>, perfArrays: readonly PerfArrayPlan[] = []) => {
      const map = new FakeMap('events', 8, 8);
      const tallies = new Tallies();
      const program = programPlan('test', [{ ...plan, labels: [label], metrics: two, ...more }]);
      const counting = { plan: { ...program, perfArrays }, readers: fakeReaders([map], 2), startTime: ATTACHED };
      // Readers with limits of their own have tables of their own.
      const store = new Store([counting], NO_FACTS, tallies, undefined, [{}, { default: 1 }]);
      const counts: number[] = [];
      const read = async () => {
        await store.read();
        counts.push([...tallies.undecodedMetrics()][0]!.count);
      };
      await read();
      map.set([1, 1], [5]);
      await read();
      map.set([2, 1], [5]);
      map.set([2, 3], [5]);
      await read();
      await read();
      map.set([2, 4], [5]);
      await read();
      map.delete([2, 1]);
      map.delete([2, 3]);
      map.delete([2, 4]);
      await read();
      return counts;
    };
    assert.deepEqual(await readings({}), [0, 0, 2, 4, 6, 6]);
    assert.deepEqual(await readings({ metrics: [counter('events')] }), [0, 0, 1, 2, 3, 3]);
    const records: PerfArrayPlan = { map: 'events', recordBytes: 8, keySize: 8, limit: 9 };
    assert.deepEqual(await readings({}, [records]), [0, 0, 2, 2, 4, 4]);
    // What a regexp turns away, and a bucket that there is not, are no errors there.
    const turned = { ...label, decoders: [{ name: 'uint' }, { name: 'regexp', regexps: ['^1'] }] };
    assert.deepEqual(await readings({ labels: [turned] }), [0, 0, 0, 0, 0, 0]);
    const bucketKey = { label: uintLabel('b', 4), columns: new Map([[1, 0]]) };
    assert.deepEqual(await readings({ labels: [uintLabel('a', 0)], bucketKey }), [0, 0, 0, 0, 0, 0]);
    assert.deepEqual(
      await readings({ labels: [uintLabel('b', 4)], bucketKey: { ...bucketKey, label } }),
      [0, 0, 2, 4, 6, 6],
    );
    assert.deepEqual(await readings({ labels: [uintLabel('b', 4)], hidden: [label] }), [0, 0, 2, 4, 6, 6]);
  });

  it('leaves out keys that a regexp turns away, without counting an error', async () => {
    const decoders = [{ name: 'uint' }, { name: 'regexp', regexps: ['^1'] }];
    const filtered: TablePlan = { ...plan, labels: [{ ...uintLabel('a', 0), decoders }, uintLabel('b', 4)] };
    const map = new FakeMap('events', 8, 8);
    map.set([1, 0], [5]);
    map.set([2, 0], [6]);
    const { rows, tallies } = setup(filtered, [map]);
    assert.deepEqual(await rows(), { '1,0': [5] });
    assert.deepEqual([...tallies.decodeErrors()], []);
  });
});

describe('Store, its clock', () => {
  it('has every reading after the start of what it counts, though the clock was set back since', async () => {
    const map = new FakeMap('events', 4, 8);
    map.set([1], [1]);
    const seconds = Math.floor(Date.now() / 1000) + 3600;
    const plan = programPlan('test', [tablePlan('events', ['a'], 1, [counter('events')])]);
    const program = { plan, readers: fakeReaders([map]), startTime: [seconds, 5] as HrTime };
    const store = new Store([program], NO_FACTS, new Tallies());
    for (const time of [(await store.read()).time, (await store.read()).time]) {
      assert.deepEqual(store.tables[0]!.startTime(0), [seconds, 5]);
      const told = store.clock.told([seconds, 5], time);
      assert.ok(told.time[0] <= Date.now() / 1000);
      assert.ok(told.start[0] < told.time[0] || (told.start[0] === told.time[0] && told.start[1] < told.time[1]));
      assert.deepEqual(store.tables[0]!.created(0), told.start);
    }
  });
});

describe('Store, per-CPU maps', () => {
  it('sums over the CPUs', async () => {
    const plan = tablePlan('events', ['a'], 2, [counter('events')]);
    const map = new FakeMap('events', 4, 16, 3);
    map.set([1], [1, 10, 2, 20, 3, 30]);
    const source = { kind: 'entries', map: 'events', perCpu: 'sum', cache: undefined } as const;
    assert.deepEqual(await setup({ ...plan, source }, [map]).rows(), { 1: [6, 60] });
  });

  it('makes a series of each CPU where the configuration asks for it', async () => {
    const plan = tablePlan('events', ['a'], 1, [counter('events')]);
    const labels = [uintLabel('a', 0), uintLabel('cpu', 4, 2)];
    const source = { kind: 'entries', map: 'events', perCpu: 'label', cache: undefined } as const;
    const map = new FakeMap('events', 4, 8, 3);
    map.set([7], [1, 2, 3]);
    map.set([8], [4, 5, 6]);
    const { rows } = setup({ ...plan, source, labels, keySize: 6 }, [map]);
    assert.deepEqual(await rows(), { '7,0': [1], '7,1': [2], '7,2': [3], '8,0': [4], '8,1': [5], '8,2': [6] });
  });

  it('calls each CPU by its own number where the numbers have gaps', async () => {
    const plan = tablePlan('events', ['a'], 1, [counter('events')]);
    const labels = [uintLabel('a', 0), uintLabel('cpu', 4, 2)];
    const source = { kind: 'entries', map: 'events', perCpu: 'label', cache: undefined } as const;
    const map = new FakeMap('events', 4, 8, 3);
    map.cpuNumbers = [0, 2, 300];
    map.set([7], [1, 2, 3]);
    const { rows } = setup({ ...plan, source, labels, keySize: 6 }, [map]);
    assert.deepEqual(await rows(), { '7,0': [1], '7,2': [2], '7,300': [3] });
  });
});

describe('Store, the bucket in the key', () => {
  it('puts each key into the column of its bucket', async () => {
    const label = uintLabel('bucket', 4);
    const columns = new Map([0, 1, 2, 3].map((bucket) => [bucket, bucket]));
    const plan: TablePlan = {
      ...tablePlan('latency', ['dev'], 4, [histogram('latency', 3, { slots: 3, sum: undefined })]),
      keySize: 8,
      fields: [u64Field(1)],
      bucketKey: { label, columns },
    };
    const map = new FakeMap('latency', 8, 8);
    map.evicts = true;
    map.set([1, 0], [10]);
    map.set([2, 1], [20]);
    map.set([1, 2], [30]);
    map.set([1, 3], [99]);
    const { rows, table } = setup(plan, [map]);
    assert.deepEqual(await rows(), { 1: [10, 0, 30, 99], 2: [0, 20, 0, 0] });
    map.delete([1, 0]);
    map.delete([1, 2]);
    assert.deepEqual(await rows(), { 1: [10, 0, 30, 99], 2: [0, 20, 0, 0] });
    map.set([1, 0], [1]);
    assert.deepEqual(await rows(), { 1: [11, 0, 30, 99], 2: [0, 20, 0, 0] });
    map.set([1, 0], [0]);
    map.set([1, 3], [50]);
    assert.deepEqual(await rows(), { 1: [11, 0, 30, 149], 2: [0, 20, 0, 0] }, 'evicted and back');
    map.delete([1, 0]);
    map.delete([1, 3]);
    assert.deepEqual(await rows(), { 2: [0, 20, 0, 0] });
    assert.equal(table.used, 1);
  });
});

describe('Store, a cache in front of a map', () => {
  // Per CPU two elements {u32 key, u32 pad, u64 value}.
  const plan: TablePlan = {
    ...tablePlan('starts', ['fn'], 1, [counter('starts')]),
    source: {
      kind: 'entries',
      map: 'starts',
      perCpu: 'no',
      cache: {
        memory: { map: 'cache', offset: 8 },
        dimensions: [
          { name: 'cpu', cpu: true, count: 1, stride: 48 },
          { name: 'slot', cpu: false, count: 2, stride: 16 },
        ],
        keyOffset: 0,
        valueOffset: 8,
      },
    },
  };

  function put(memory: FakeMemory, cpu: number, slot: number, key: number, value: number): void {
    const at = 8 + cpu * 48 + slot * 16;
    memory.bytes.writeUInt32LE(key, at);
    memory.bytes.writeBigUInt64LE(BigInt(value), at + 8);
  }

  it('adds elements and entries by key, and takes an element of key zero for empty', async () => {
    const map = new FakeMap('starts', 4, 8);
    const memory = new FakeMemory('cache', 8 + 2 * 48);
    const { rows } = setup(plan, [map, memory]);
    assert.deepEqual(await rows(), {});
    put(memory, 0, 0, 5, 100);
    put(memory, 1, 1, 5, 10);
    put(memory, 1, 0, 6, 1);
    map.set([5], [1000]);
    map.set([0], [3]);
    assert.deepEqual(await rows(), { 5: [1110], 6: [1], 0: [3] });
    put(memory, 0, 1, 7, 2);
    map.delete([5]);
    assert.deepEqual(await rows(), { 5: [1110], 6: [1], 7: [2], 0: [3] });
  });

  it('never lets a counter fall, wherever a key goes from an element', async () => {
    const map = new FakeMap('starts', 4, 8);
    const memory = new FakeMemory('cache', 8 + 2 * 48);
    const { rows } = setup(plan, [map, memory]);
    put(memory, 0, 0, 5, 100);
    put(memory, 1, 1, 5, 10);
    assert.deepEqual(await rows(), { 5: [110] });
    put(memory, 0, 0, 6, 1);
    map.set([5], [101]);
    assert.deepEqual(await rows(), { 5: [111], 6: [1] }, 'to the map, where another came');
    put(memory, 1, 1, 5, 2);
    map.set([5], [111]);
    assert.deepEqual(await rows(), { 5: [113], 6: [1] }, 'to the map, and it goes on');
    put(memory, 0, 0, 5, 50);
    assert.deepEqual(await rows(), { 5: [163] });
    put(memory, 0, 0, 0, 0);
    map.delete([5]);
    assert.deepEqual(await rows(), { 5: [163] }, 'away, with what the map has of it');
    put(memory, 0, 1, 5, 7);
    put(memory, 1, 1, 5, 1);
    assert.deepEqual(await rows(), { 5: [171] }, 'away and back, while another began anew');
    put(memory, 1, 1, 0, 0);
    put(memory, 0, 1, 0, 0);
    assert.deepEqual(await rows(), {});
    put(memory, 0, 1, 5, 3);
    assert.deepEqual(await rows(), { 5: [3] });
  });

  it('keeps what an element counted whose labels others have', async () => {
    const map = new FakeMap('starts', 4, 8);
    const memory = new FakeMemory('cache', 8 + 2 * 48);
    const { rows } = setup({ ...plan, labels: [] }, [map, memory]);
    put(memory, 0, 0, 5, 100);
    put(memory, 1, 1, 6, 10);
    assert.deepEqual(await rows(), { '': [110] });
    put(memory, 0, 0, 7, 1);
    assert.deepEqual(await rows(), { '': [111] });
    put(memory, 0, 0, 8, 1);
    map.set([7], [2]);
    assert.deepEqual(await rows(), { '': [113] });
    put(memory, 0, 0, 0, 0);
    put(memory, 1, 1, 0, 0);
    assert.deepEqual(await rows(), { '': [113] });
  });
});

describe('Store, elements by index', () => {
  const dimensions = [
    { name: 'cpu', cpu: true, count: 1, stride: 128 },
    { name: 'family', cpu: false, count: 2, stride: 40 },
    { name: 'state', cpu: false, count: 3, stride: 8 },
  ];
  const plan: TablePlan = {
    ...tablePlan('states', ['family', 'state'], 1, [counter('states')]),
    source: { kind: 'indexed', memory: { map: '.bss', offset: 16 }, dimensions, zeros: false },
  };

  it('sums over the CPUs and shows an element from its first number that is not zero', async () => {
    const memory = new FakeMemory('.bss', 16 + 2 * 128);
    const { rows } = setup(plan, [memory]);
    assert.deepEqual(await rows(), {});
    const put = (cpu: number, family: number, state: number, value: number) =>
      memory.bytes.writeBigUInt64LE(BigInt(value), 16 + cpu * 128 + family * 40 + state * 8);
    put(0, 1, 2, 5);
    put(1, 1, 2, 6);
    put(1, 0, 1, 7);
    assert.deepEqual(await rows(), { '0,1': [7], '1,2': [11] });
    put(0, 1, 2, 0);
    put(1, 1, 2, 0);
    put(0, 0, 0, 1);
    assert.deepEqual(await rows(), { '0,0': [1], '0,1': [7], '1,2': [0] });
  });

  it('shows all elements where zeros are asked for', async () => {
    const { rows } = setup({ ...plan, source: { ...plan.source, zeros: true } as TablePlan['source'] }, [
      new FakeMemory('.bss', 16 + 2 * 128),
    ]);
    assert.deepEqual(Object.keys(await rows()), ['0,0', '0,1', '0,2', '1,0', '1,1', '1,2']);
  });

  it('reads one element without labels', async () => {
    const single: TablePlan = {
      ...tablePlan('total', [], 1, [counter('total')]),
      source: { kind: 'indexed', memory: { map: '.bss', offset: 8 }, dimensions: [], zeros: true },
    };
    const memory = new FakeMemory('.bss', 16);
    memory.bytes.writeBigUInt64LE(23n, 8);
    assert.deepEqual(await setup(single, [memory]).rows(), { '': [23] });
  });
});

describe('Store', () => {
  it('reads a map once for several tables, and once for readers that ask at the same time', async () => {
    const map = new FakeMap('events', 8, 8);
    const plan = tablePlan('events', ['a', 'b'], 1, [counter('events')]);
    const other: TablePlan = { ...plan, name: 'other', labels: [uintLabel('b', 4)] };
    const program = { plan: programPlan('test', [plan, other]), readers: fakeReaders([map]), startTime: ATTACHED };
    const store = new Store([program], NO_FACTS, new Tallies());
    const [one, two] = await Promise.all([store.read(), store.read()]);
    assert.equal(one, two);
    assert.equal(map.reads, 1);
    await store.read();
    assert.equal(map.reads, 2);
  });

  it('reads after it was asked, never before', async () => {
    const map = new FakeMap('events', 4, 8);
    const plan = tablePlan('events', ['a'], 1, [counter('events')]);
    const { store, table } = setup(plan, [map]);
    const reading = store.read();
    map.set([1], [1]);
    await reading;
    assert.deepEqual(contents(table), { 1: [1] });
  });

  it('goes on with the other maps when one fails, counts it once, and recovers', async () => {
    const bad = new FakeMap('bad', 4, 8);
    const good = new FakeMap('good', 4, 8);
    good.set([1], [1]);
    const plan = tablePlan('bad', ['a'], 1, [counter('bad')]);
    const tables = [plan, { ...plan, name: 'same map' }, tablePlan('good', ['a'], 1, [counter('good')])];
    const tallies = new Tallies();
    const program = { plan: programPlan('test', tables), readers: fakeReaders([bad, good]), startTime: ATTACHED };
    const store = new Store([program], NO_FACTS, tallies);
    bad.failure = new MeterError('map', 'bad: EBADF');
    const reading = await store.read();
    assert.deepEqual(reading.errors, [bad.failure]);
    assert.deepEqual(
      store.tables.map((table) => table.readable),
      [false, false, true],
    );
    assert.deepEqual([...tallies.readErrors()], [{ program: 'test', map: 'bad', count: 1 }]);
    bad.failure = undefined;
    bad.set([2], [3]);
    assert.deepEqual((await store.read()).errors, []);
    assert.deepEqual(contents(store.tables[0]!), { 2: [3] });
  });

  it('gives every reading a later time than the last, however fast they come', async () => {
    const { store } = setup(tablePlan('events', ['a'], 1, [counter('events')]), [new FakeMap('events', 4, 8)]);
    let last: HrTime = [0, 0];
    for (let i = 0; i < 50; i++) {
      const { time } = await store.read();
      assert.ok(time[0] > last[0] || (time[0] === last[0] && time[1] > last[1]));
      last = time;
    }
  });

  it('refuses a plan whose map is not there', () => {
    const program = {
      plan: programPlan('test', [tablePlan('missing', ['a'], 1, [])]),
      readers: fakeReaders([]),
      startTime: ATTACHED,
    };
    assert.throws(() => new Store([program], NO_FACTS, new Tallies()), { code: 'map' });
  });

  it('puts the next reading off as long as anybody holds', async () => {
    const map = new FakeMap('events', 4, 8);
    const { store } = setup(tablePlan('events', ['a'], 1, [counter('events')]), [map]);
    const turns = async () => {
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    };
    await store.read();
    const one = store.hold();
    const other = store.hold();
    const next = store.read();
    await turns();
    one[Symbol.dispose]();
    one[Symbol.dispose]();
    await turns();
    assert.equal(map.reads, 1);
    other[Symbol.dispose]();
    assert.equal((await next).sequence, 2);
    assert.equal((await store.read()).sequence, 3);
  });

  it('reads all maps at once and lets others have their turn while it decodes very many keys', async () => {
    const many = new FakeMap('many', 4, 8);
    for (let key = 0; key < 200_000; key++) many.content.set(u32s([key]).toString('hex'), Buffer.alloc(8));
    const few = new FakeMap('few', 4, 8);
    few.set([1], [1]);
    const plans = ['many', 'few'].map((name) => tablePlan(name, ['a'], 1, [counter(name)]));
    const program = { plan: programPlan('test', plans), readers: fakeReaders([many, few]), startTime: ATTACHED };
    const store = new Store([program], NO_FACTS, new Tallies());
    const first = store.read();
    while (few.reads === 0) await new Promise((resolve) => setImmediate(resolve));
    // The reading goes on; what comes now is for the next, which begins when it has ended.
    assert.ok(store.tables[0]!.used < 200_000, 'all is decoded in one turn');
    few.set([1], [2]);
    const second = store.read();
    assert.equal((await first).sequence, 1);
    assert.deepEqual([store.tables[0]!.used, contents(store.tables[1]!)], [200_000, { 1: [1] }]);
    assert.equal((await second).sequence, 2);
    assert.deepEqual([few.reads, contents(store.tables[1]!)], [2, { 1: [2] }]);
  });

  it('keeps memory after all keys were replaced many times', async () => {
    const map = new FakeMap('events', 4, 8);
    const { rows, table } = setup(tablePlan('events', ['a'], 1, [counter('events')]), [map]);
    for (let round = 0; round < 60; round++) {
      map.content.clear();
      for (let key = 0; key < 200; key++) map.content.set(u32s([round * 200 + key]).toString('hex'), Buffer.alloc(8));
      await rows();
    }
    assert.equal(table.used, 200);
    assert.ok(table.series.starts.length <= 1000, `${table.series.starts.length} rows`);
    assert.ok(table.series.bytes.length < 150_000, `${table.series.bytes.length} bytes of text`);
  });
});
