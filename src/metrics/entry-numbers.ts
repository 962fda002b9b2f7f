import type { FieldPlan, TablePlan } from '../config/plan.ts';
import { growingColumns } from './columns.ts';
import { addField, type ValueBlock } from './gather.ts';

/** The numbers of a reading's entries, each summed over the CPUs: what an entry had is known when it has left. */
export class EntryNumbers {
  /** Numbers of an entry: the table's columns, or the one of an entry with the bucket in its key. */
  readonly width: number;
  numbers = new Float64Array(0);
  readonly #fields: readonly FieldPlan[];
  readonly #growing: Int32Array;

  constructor(plan: TablePlan) {
    const isInKey = plan.bucketKey !== undefined;
    this.width = isInKey ? 1 : plan.width;
    this.#fields = plan.fields.map((field) => (isInKey ? { ...field, cell: 0 } : field));
    this.#growing = isInKey ? Int32Array.of(0) : growingColumns(plan);
  }

  /**
   * Takes entries in the place of those before. `starts` tells where in `numbers` those of each entry begin, -1 where they aren't
   * wanted, with room for `room` entries; `blocks` are the entries one after the other.
   */
  take(blocks: Iterable<ValueBlock>, starts: Int32Array, room: number): void {
    const needed = room * this.width;
    if (this.numbers.length < needed || this.numbers.length > needed * 4 + 1024) {
      this.numbers = new Float64Array(Math.ceil(room * 1.25) * this.width);
    } else {
      this.numbers.fill(0, 0, needed);
    }
    let first = 0;
    for (const block of blocks) {
      for (const field of this.#fields) addField(field, block, this.numbers, starts, first);
      first += block.count;
    }
  }

  /** Whether any of the first `count` numbers is lower than in `last`, gauges among them. */
  isLower(last: EntryNumbers, count: number): boolean {
    const now = this.numbers;
    const before = last.numbers;
    for (let i = 0; i < count; i++) if (now[i]! < before[i]!) return true;
    return false;
  }

  /** Whether an entry has gained since the last reading what `others` of `lost` had; `lastStart` is negative where it wasn't there. */
  hasGained(
    start: number,
    last: EntryNumbers | undefined,
    lastStart: number,
    lost: EntryNumbers,
    others: readonly number[],
  ): boolean {
    return this.#growing.every((column) => {
      const before = last === undefined || lastStart < 0 ? 0 : last.numbers[lastStart + column]!;
      const gone = others.reduce((sum, other) => sum + lost.numbers[other + column]!, 0);
      return this.numbers[start + column]! >= before + gone;
    });
  }

  /** Whether an entry whose numbers begin there counts from zero again: it has less than what it had, there in `last`. */
  hasFallen(start: number, last: EntryNumbers, lastStart: number): boolean {
    for (const column of this.#growing) {
      if (this.numbers[start + column]! < last.numbers[lastStart + column]!) return true;
    }
    return false;
  }
}
