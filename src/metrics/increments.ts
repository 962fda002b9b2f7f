import type { HrTime } from '@opentelemetry/api';
import type { Layout } from './points.ts';

/**
 * What one reader remembers of a table's cells: their last values, by which it sees resets, and for delta temporality
 * what has been counted but not delivered.
 *
 * Increments are added up one collection at a time, rather than taken against what was delivered last, so that a reset
 * during an outage costs nothing of what was counted before it.
 */
export class Increments {
  /** Since the last commit, row by row as in Rows; undefined where no metric of the table is delta. */
  undelivered: Float64Array | undefined;
  #last = new Float64Array(0);
  readonly #width: number;
  readonly #columns: readonly number[];
  readonly #watched: readonly number[];

  /**
   * `columns` are those that are counted, `watched` those of them that never go down but by a reset;
   * `delta` tells whether undelivered increments are kept.
   */
  constructor(width: number, columns: readonly number[], watched: readonly number[], delta: boolean) {
    this.#width = width;
    this.#columns = columns;
    this.#watched = watched;
    if (delta) this.undelivered = new Float64Array(0);
  }

  /** Makes room for so many rows. */
  reserve(rows: number): void {
    const cells = rows * this.#width;
    if (cells <= this.#last.length) return;
    const capacity = Math.max(cells, Math.ceil(this.#last.length * 1.5));
    this.#last = grown(this.#last, capacity);
    if (this.undelivered !== undefined) this.undelivered = grown(this.undelivered, capacity);
  }

  /** The row is a new series: it counts from 0. */
  clear(row: number): void {
    const base = row * this.#width;
    this.#last.fill(0, base, base + this.#width);
    this.undelivered?.fill(0, base, base + this.#width);
  }

  /**
   * Takes in a collection's cells. Returns the points whose series was reset: a watched column went down.
   * A reset counts in full, in all columns, since the whole value was written anew.
   */
  advance(cells: Float64Array, layout: Layout): number[] {
    const resets: number[] = [];
    const last = this.#last;
    const columns = this.#columns;
    const watched = this.#watched;
    const { undelivered } = this;
    for (let point = 0; point < layout.rowOf.length; point++) {
      const base = layout.rowOf[point]! * layout.width;
      let reset = false;
      for (let i = 0; i < watched.length; i++) {
        const at = base + watched[i]!;
        if (cells[at]! < last[at]!) reset = true;
      }
      if (reset) resets.push(point);
      for (let i = 0; i < columns.length; i++) {
        const at = base + columns[i]!;
        const value = cells[at]!;
        if (undelivered !== undefined) undelivered[at]! += reset ? value : value - last[at]!;
        last[at] = value;
      }
    }
    return resets;
  }

  /** What is undelivered of a row, or undefined where there is none. */
  leftOf(row: number): Float64Array | undefined {
    const base = row * this.#width;
    const left = this.undelivered?.subarray(base, base + this.#width);
    return left?.some((value) => value !== 0) ? left.slice() : undefined;
  }

  /** Gives a row what was left undelivered of its series when it vanished. */
  add(row: number, left: Float64Array): void {
    const base = row * this.#width;
    for (const [column, value] of left.entries()) this.undelivered![base + column]! += value;
  }

  /** All that was undelivered has been delivered. */
  commit(): void {
    this.undelivered?.fill(0);
  }
}

/** The later of two times; `a` where they are equal, or `b` is undefined. */
export function later(a: HrTime, b: HrTime | undefined): HrTime {
  if (b === undefined || b[0] < a[0]) return a;
  return b[0] > a[0] || b[1] > a[1] ? b : a;
}

function grown(cells: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length);
  larger.set(cells);
  return larger;
}
