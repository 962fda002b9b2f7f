import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProgramPlan } from '../../src/config/plan.ts';
import type { LoadedObject } from '../../src/libbpf/loaded.ts';
import { filledReaders } from '../../src/maps/filled.ts';
import { Store } from '../../src/metrics/store.ts';
import { Tallies } from '../../src/metrics/tallies.ts';
import { joinEqualMetrics } from '../../src/programs/join.ts';
import type { RunningProgram } from '../../src/programs/running.ts';
import { counter, FakeMap, fakeReaders, NO_FACTS, programPlan, tablePlan } from '../helpers/fake-maps.ts';

/** A program whose maps `iterate` fills. */
function program(plan: ProgramPlan, maps: readonly FakeMap[], iterate: () => void): RunningProgram {
  const filled = maps.map(({ map }) => ({ map, program: 'dump', emptied: false }));
  const readers = { ...fakeReaders(maps), [Symbol.dispose]() {} };
  return {
    name: plan.name,
    plan,
    attached: [],
    hooks: [],
    lost: [],
    absent: [],
    readers: filledReaders(readers, {} as LoadedObject, filled, new Map([['dump', iterate]])),
    startTime: [1, 0],
    links: [],
    info: () => undefined,
    cgroupIds: undefined,
    losses: () => [],
    unwatched: () => [],
    [Symbol.dispose]() {},
  };
}

test('a joined metric has what iterators of all its programs fill in for this reading, each run once', async () => {
  const runs = { one: 0, other: 0 };
  const [first, second, own] = ['sockets', 'sockets', 'own'].map((name) => new FakeMap(name, 4, 8));
  const sockets = tablePlan('sockets', ['a'], 1, [counter('sockets')]);
  const one = program(programPlan('one', [sockets]), [first!], () => first!.set([1], [++runs.one]));
  // Of which a metric stays that is read for itself.
  const plan = programPlan('other', [sockets, tablePlan('own', ['a'], 1, [counter('own')])]);
  const other = program(plan, [second!, own!], () => {
    second!.set([1], [100 * ++runs.other]);
    own!.set([1], [runs.other]);
  });
  const joined = joinEqualMetrics([one, other]);
  const store = new Store(joined, NO_FACTS, new Tallies());
  for (const reading of [1, 2, 3]) {
    const { tables, errors } = await store.read();
    assert.deepEqual(errors, []);
    const values = tables.map((rows) => [rows.plan.name, rows.cells[0]]);
    assert.deepEqual(values, [
      ['sockets', 101 * reading],
      ['own', reading],
    ]);
    assert.deepEqual(runs, { one: reading, other: reading });
  }
});
