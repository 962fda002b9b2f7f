import type { FieldPlan, TablePlan } from '../config/plan.ts';
import { addField, type ValueBlock } from './gather.ts';

/**
 * What keys have counted that are gone, for rows that other keys still lead to: labels that several keys decode to, or
 * the buckets of one histogram. Without it such a row's counters would go down when one of its keys is evicted, which
 * readers take for a reset, and count the rest twice.
 */
export class Carry {
  readonly #plan: TablePlan;
  readonly #fields: readonly FieldPlan[];
  readonly #columns: readonly number[];
  /** By cell, like the table's cells; empty as long as nothing was carried. */
  #cells = new Float64Array(0);

  constructor(plan: TablePlan) {
    this.#plan = plan;
    // A gauge is what its present keys say.
    const gauges = new Set(plan.metrics.flatMap((metric) => (metric.kind === 'gauge' ? [metric.cell] : [])));
    const columns = Array.from({ length: plan.width }, (_, column) => column);
    this.#columns = columns.filter((column) => !gauges.has(column));
    this.#fields = plan.fields
      .filter(({ cell, count }) => count > 1 || !gauges.has(cell))
      .map((field) => (plan.bucketKey === undefined ? field : { ...field, cell: 0 }));
  }

  /** Adds the numbers of one entry, whose place this is. */
  add(place: number, block: ValueBlock, entry: number): void {
    this.#reserve(place + this.#plan.width);
    const one = { ...block, start: block.start + entry * block.stride, count: 1 };
    for (const field of this.#fields) addField(field, one, this.#cells, Int32Array.of(place), 0);
  }

  /** Takes a row's cells as they are, of the one entry that it had and of those before. */
  replace(row: number, cells: Float64Array): void {
    const base = row * this.#plan.width;
    this.#reserve(base + this.#plan.width);
    for (const column of this.#columns) this.#cells[base + column] = cells[base + column]!;
  }

  /** The row is gone, so that its number may become another's. */
  clear(row: number): void {
    const base = row * this.#plan.width;
    if (base < this.#cells.length) this.#cells.fill(0, base, base + this.#plan.width);
  }

  /** Writes what is carried over cells that are all zero. */
  writeTo(cells: Float64Array): void {
    cells.set(this.#cells.length <= cells.length ? this.#cells : this.#cells.subarray(0, cells.length));
  }

  #reserve(cells: number): void {
    if (cells <= this.#cells.length) return;
    const grown = new Float64Array(Math.ceil(cells * 1.5));
    grown.set(this.#cells);
    this.#cells = grown;
  }
}
