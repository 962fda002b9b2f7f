import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CpuTable } from '../../../src/programs/without-c/perf-by-cpu.ts';

const attributes = { type: 1, config: 0n };
const second = 1_000_000_000n;

/** CPU → values, of a map with three events of which the first and the last are counted. */
function setUp() {
  const table = new CpuTable(
    [
      { place: 0, attributes },
      { place: 2, attributes },
    ],
    3,
  );
  const add = (cpu: number, enabled: bigint, running: bigint, ...counts: bigint[]) =>
    table.add(cpu, BigUint64Array.of(2n, enabled, running, ...counts));
  const entries = () => {
    const { count, keys, values } = table.entries();
    const cpus = new Uint32Array(keys.buffer);
    const words = new BigUint64Array(values.buffer);
    return Array.from({ length: count }, (_, entry) => [cpus[entry], [...words.subarray(entry * 3, entry * 3 + 3)]]);
  };
  return { table, add, entries };
}

test('an entry per CPU; an event that is not counted stays 0', () => {
  const { table, add, entries } = setUp();
  assert.deepEqual(entries(), []);
  table.begin(0);
  table.begin(7);
  add(0, 10n, 10n, 5n, 6n);
  add(7, 10n, 5n, 5n, 6n);
  assert.deepEqual(entries(), [
    [0, [5n, 0n, 6n]],
    [7, [10n, 0n, 12n]],
  ]);
});

test('a CPU that is gone keeps what it has counted, and goes on when it is back', () => {
  const { table, add, entries } = setUp();
  table.begin(1);
  add(1, 10n, 10n, 5n, 6n);
  table.add(1, undefined);
  assert.deepEqual(entries(), [[1, [5n, 0n, 6n]]]);
  table.begin(1);
  add(1, 2n, 2n, 1n, 1n);
  assert.deepEqual(entries(), [[1, [6n, 0n, 7n]]]);
});

test('a group that never has its turn on any CPU is told from one that waits for it', () => {
  const { table, add } = setUp();
  for (const cpu of [0, 1]) table.begin(cpu);
  add(0, 5n * second, 0n, 0n, 0n);
  table.turns.check('cpu');
  add(0, 6n * second, 0n, 0n, 0n);
  assert.throws(() => table.turns.check('cpu'), {
    code: 'map',
    message: 'map cpu: its perf events never had their turn on the PMU, though they fit',
  });
  add(1, 6n * second, 1n, 0n, 0n);
  table.turns.check('cpu');
});
