import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TablePlan } from '../../src/config/plan.ts';
import type { KernelFacts } from '../../src/decoders/kernel-facts.ts';
import { Store } from '../../src/metrics/store.ts';
import { Tallies } from '../../src/metrics/tallies.ts';
import { counter, FakeMap, FakeMemory, fakeReaders, NO_FACTS, programPlan, tablePlan } from '../helpers/fake-maps.ts';

const interfaces: TablePlan = {
  ...tablePlan('packets', ['interface'], 1, [counter('packets')]),
  labels: [{ name: 'interface', offset: 0, size: 4, decoders: [{ name: 'ifname' }] }],
};

/** A machine whose interfaces are renamed by `give`. */
function setup(plan: TablePlan, maps: readonly (FakeMap | FakeMemory)[]) {
  const names = new Map<number, string>();
  let changes = 0;
  let asked = 0;
  const kernel: KernelFacts = {
    ...NO_FACTS,
    networkInterface(index) {
      asked++;
      return names.get(index);
    },
    nameChanges: () => changes,
  };
  const program = {
    plan: programPlan('test', [plan]),
    readers: fakeReaders(maps),
    startTime: [100, 0] as [number, number],
  };
  const store = new Store([program], kernel, new Tallies());
  return {
    give(index: number, name: string) {
      names.set(index, name);
      changes++;
    },
    asked: () => asked,
    async rows(): Promise<Record<string, number>> {
      await store.read();
      const [table] = store.tables;
      const rows: Record<string, number> = {};
      for (let row = 0; row < table!.length; row++) {
        if (table!.isUsed(row)) rows[table!.attributes(row).interface as string] = table!.cells[row]!;
      }
      return rows;
    },
  };
}

test('an index that was given to another interface counts under its name from then on', async () => {
  const map = new FakeMap('packets', 4, 8);
  map.set([2], [7]);
  map.set([3], [11]);
  const { give, rows, asked } = setup(interfaces, [map]);
  give(2, 'eth0');
  assert.deepEqual(await rows(), { eth0: 7, 'unknown:3': 11 });
  give(2, 'wan');
  map.set([2], [8]);
  // The 7 were counted under the name before, and are counted once.
  assert.deepEqual(await rows(), { wan: 1, 'unknown:3': 11 });
  give(3, 'eth1');
  assert.deepEqual(await rows(), { wan: 1, eth1: 0 });
  const before = asked();
  map.set([3], [12]);
  assert.deepEqual(await rows(), { wan: 1, eth1: 1 });
  assert.equal(asked(), before);
});

test('series that keep their labels keep what keys that are gone have counted', async () => {
  const map = new FakeMap('packets', 4, 8);
  for (const [index, count] of [
    [2, 7],
    [3, 11],
    [4, 13],
  ] as const)
    map.set([index], [count]);
  const { give, rows } = setup(interfaces, [map]);
  give(2, 'same');
  give(3, 'same');
  give(4, 'eth0');
  assert.deepEqual(await rows(), { same: 18, eth0: 13 });
  map.delete([2]);
  assert.deepEqual(await rows(), { same: 18, eth0: 13 });
  give(4, 'wan');
  assert.deepEqual(await rows(), { same: 18, wan: 0 });
  give(3, 'other');
  map.set([3], [12]);
  map.set([4], [15]);
  assert.deepEqual(await rows(), { other: 1, wan: 2 });
  give(3, 'wan');
  map.set([3], [16]);
  assert.deepEqual(await rows(), { wan: 6 });
  map.delete([3]);
  assert.deepEqual(await rows(), { wan: 6 });
});

test('a series that a key leaves for another name keeps what it counted there, and no counter falls', async () => {
  const map = new FakeMap('packets', 4, 8);
  for (const index of [2, 3, 4]) map.set([index], [index * 10]);
  const { give, rows } = setup(interfaces, [map]);
  give(2, 'same');
  give(3, 'same');
  give(4, 'eth0');
  assert.deepEqual(await rows(), { same: 50, eth0: 40 });
  give(3, 'eth0');
  map.set([3], [33]);
  assert.deepEqual(await rows(), { same: 50, eth0: 43 });
  map.set([2], [25]);
  map.delete([3]);
  assert.deepEqual(await rows(), { same: 55, eth0: 43 });
  // Two change places.
  give(2, 'eth0');
  give(4, 'same');
  map.set([2], [26]);
  map.set([4], [47]);
  assert.deepEqual(await rows(), { same: 62, eth0: 44 });
});

test('what a cache holds of a renamed key is counted under its new name from then on', async () => {
  const cache = {
    memory: { map: 'cache', offset: 0 },
    dimensions: [{ name: 'slot', cpu: false, count: 2, stride: 16 }],
    keyOffset: 0,
    valueOffset: 8,
  };
  const memory = new FakeMemory('cache', 32);
  const map = new FakeMap('packets', 4, 8);
  const put = (slot: number, key: number, value: number) => {
    memory.bytes.writeUInt32LE(key, slot * 16);
    memory.bytes.writeBigUInt64LE(BigInt(value), slot * 16 + 8);
  };
  map.set([2], [100]);
  put(0, 2, 7);
  put(1, 3, 11);
  const source = { kind: 'entries' as const, map: 'packets', perCpu: 'no' as const, cache };
  const { give, rows } = setup({ ...interfaces, source }, [map, memory]);
  give(2, 'eth0');
  give(3, 'eth1');
  assert.deepEqual(await rows(), { eth0: 107, eth1: 11 });
  give(2, 'eth1');
  put(0, 2, 9);
  put(1, 3, 12);
  map.set([2], [101]);
  assert.deepEqual(await rows(), { eth1: 15 });
  give(3, 'wan');
  put(1, 3, 13);
  assert.deepEqual(await rows(), { eth1: 15, wan: 1 });
});

test('keys with bytes that fill no word', async () => {
  const plan: TablePlan = {
    ...interfaces,
    keySize: 6,
    labels: [{ name: 'interface', offset: 2, size: 4, decoders: [{ name: 'ifname' }] }],
  };
  const map = new FakeMap('packets', 6, 8);
  const value = Buffer.alloc(8);
  value.writeBigUInt64LE(5n);
  map.content.set('000002000000', Buffer.from(value.buffer, value.byteOffset, 8));
  map.content.set('000003000000', Buffer.from(value.buffer, value.byteOffset, 8));
  const { give, rows } = setup(plan, [map]);
  give(2, 'eth0');
  assert.deepEqual(await rows(), { eth0: 5, 'unknown:3': 5 });
  give(3, 'eth1');
  assert.deepEqual(await rows(), { eth0: 5, eth1: 0 });
});

test('labels of what does not move are decoded once', async () => {
  const map = new FakeMap('packets', 4, 8);
  map.set([2], [7]);
  const { give, rows, asked } = setup(
    { ...interfaces, labels: [{ name: 'interface', offset: 0, size: 4, decoders: [{ name: 'uint' }] }] },
    [map],
  );
  assert.deepEqual(await rows(), { 2: 7 });
  give(2, 'eth0');
  assert.deepEqual(await rows(), { 2: 7 });
  assert.equal(asked(), 0);
});

test('indexes of an array, also where two interfaces change places', async () => {
  const plan: TablePlan = {
    ...interfaces,
    source: {
      kind: 'indexed',
      memory: { map: 'packets', offset: 0 },
      dimensions: [{ name: 'interface', cpu: false, count: 4, stride: 8 }],
      zeros: false,
    },
  };
  const memory = new FakeMemory('packets', 4 * 8);
  memory.bytes.writeBigUInt64LE(5n, 8);
  memory.bytes.writeBigUInt64LE(7n, 16);
  const { give, rows, asked } = setup(plan, [memory]);
  give(1, 'eth0');
  assert.deepEqual(await rows(), { eth0: 5, 'unknown:2': 7 });
  give(2, 'eth1');
  memory.bytes.writeBigUInt64LE(8n, 16);
  assert.deepEqual(await rows(), { eth0: 5, eth1: 1 });
  give(1, 'eth1');
  give(2, 'eth0');
  memory.bytes.writeBigUInt64LE(7n, 8);
  assert.deepEqual(await rows(), { eth0: 5, eth1: 3 });
  give(1, 'eth0');
  assert.deepEqual(await rows(), { eth0: 5 });
  const before = asked();
  memory.bytes.writeBigUInt64LE(8n, 8);
  assert.deepEqual(await rows(), { eth0: 6 });
  assert.equal(asked(), before);
});
