import type { TablePlan } from '../config/plan.ts';
import type { EntryNumbers } from './entry-numbers.ts';

/**
 * What a row has beside the numbers of its present keys: what keys have counted that are gone, for rows that other keys
 * still lead to, such as labels that several keys decode to, or the buckets of one histogram. Without it such a row's
 * counters would go down when one of its keys is evicted, which readers take for a reset, and count the rest twice.
 */
export class Carry {
  readonly #width: number;
  readonly #columns: readonly number[];
  readonly #entryColumns: readonly number[];
  /** By cell, like the table's cells; empty as long as nothing was carried. */
  #cells = new Float64Array(0);

  constructor(plan: TablePlan) {
    this.#width = plan.width;
    // A gauge is what its present keys say.
    const gauges = new Set(plan.metrics.flatMap((metric) => (metric.kind === 'gauge' ? [metric.cell] : [])));
    const columns = Array.from({ length: plan.width }, (_, column) => column);
    this.#columns = columns.filter((column) => !gauges.has(column));
    this.#entryColumns = plan.bucketKey === undefined ? this.#columns : [0];
  }

  /** Adds the numbers that an entry with this place had, which begin at `start` in `last`. */
  add(place: number, last: EntryNumbers, start: number): void {
    this.#add(place, last, start, 1);
  }

  /** Takes them away: they were counted in another row. */
  subtract(place: number, last: EntryNumbers, start: number): void {
    this.#add(place, last, start, -1);
  }

  /** Gives what one row has to another. */
  move(from: number, to: number): void {
    const base = from * this.#width;
    if (base >= this.#cells.length) return;
    this.#reserve((to + 1) * this.#width);
    for (let column = 0; column < this.#width; column++) {
      this.#cells[to * this.#width + column]! += this.#cells[base + column]!;
    }
    this.clear(from);
  }

  /** Takes a row's cells as they are, of the one entry that it had and of those before. */
  replace(row: number, cells: Float64Array): void {
    const base = row * this.#width;
    this.#reserve(base + this.#width);
    for (const column of this.#columns) this.#cells[base + column] = cells[base + column]!;
  }

  /** The row is gone, so that its number may become another's. */
  clear(row: number): void {
    const base = row * this.#width;
    if (base < this.#cells.length) this.#cells.fill(0, base, base + this.#width);
  }

  /** Writes what is carried over cells that are all zero. */
  writeTo(cells: Float64Array): void {
    cells.set(this.#cells.length <= cells.length ? this.#cells : this.#cells.subarray(0, cells.length));
  }

  #add(place: number, last: EntryNumbers, start: number, sign: 1 | -1): void {
    this.#reserve(place + this.#width);
    for (const column of this.#entryColumns) this.#cells[place + column]! += sign * last.numbers[start + column]!;
  }

  #reserve(cells: number): void {
    if (cells <= this.#cells.length) return;
    const grown = new Float64Array(Math.ceil(cells * 1.5));
    grown.set(this.#cells);
    this.#cells = grown;
  }
}
