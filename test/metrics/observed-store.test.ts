import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ObservedStore } from '../../src/metrics/observed-store.ts';
import type { Reading } from '../../src/metrics/rows.ts';
import { counter, FakeRows, FakeStore, tablePlan } from '../helpers/fake-rows.ts';

/** A store whose readings are shared by all who ask before `next`. */
class SharedStore extends FakeStore {
  #reading: Promise<Reading> | undefined;

  next(): void {
    this.#reading = undefined;
  }

  override read(): Promise<Reading> {
    this.#reading ??= super.read();
    return this.#reading;
  }
}

const rows = (name: string) => new FakeRows(tablePlan(name, 1, [counter(name)]));

describe('an ObservedStore', () => {
  test('tells of each reading once, and keeps the last', async () => {
    const shared = new SharedStore(rows('a'));
    const told: number[] = [];
    const store = new ObservedStore(shared, ({ sequence }) => told.push(sequence));
    const [one, other] = await Promise.all([store.read(), store.withTables([]).read()]);
    assert.deepEqual([one!.sequence, other!.sequence, told], [1, 1, [1]]);
    shared.next();
    await Promise.all([store.withTables(shared.tables).read(), store.read()]);
    assert.deepEqual([told, store.last?.sequence], [[1, 2], 2]);
  });

  test('shows a reader its own tables alone', async () => {
    const [a, b] = [rows('a'), rows('b')];
    const store = new ObservedStore(new FakeStore(a, b), () => {});
    const reader = store.withTables([b]);
    assert.deepEqual((await reader.read()).tables, [b]);
    assert.deepEqual(store.last?.tables, [a, b]);
    assert.equal(reader.clock, store.clock);
  });
});
