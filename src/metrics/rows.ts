import type { Attributes, HrTime } from '@opentelemetry/api';
import type { TablePlan } from '../config/plan.ts';
import type { Clock } from './clock.ts';

/**
 * The series of one table after a reading, as readers see them. A row is a series of every metric of the table;
 * it lives as long as a key that decodes to its labels is in the map. Row numbers are reused.
 */
export interface Rows {
  readonly plan: TablePlan;
  /** The program's name. */
  readonly program: string;
  /** False where the last reading failed: its metrics are then absent. */
  readonly readable: boolean;
  /** Rows are 0 … length - 1; some may be unused. */
  readonly length: number;
  /** How many are in use. */
  readonly used: number;
  /** Changes whenever a row is added, removed or reused, so that a reader keeps what it made per row until then. */
  readonly revision: number;
  /** cells[row * plan.width + column]: raw numbers, per-CPU values summed, slots not cumulated. Unused rows hold anything. */
  readonly cells: Float64Array;
  /** Labels of all rows as text, in the order of the plan; valid until the next reading. */
  readonly series: RowTexts;
  isUsed(row: number): boolean;
  /** Changes when the row's number is given to another series. */
  identity(row: number): number;
  /** Made when first asked for, kept as long as the row; the same object each time. */
  attributes(row: number): Attributes;
  /**
   * When the series began: the attach time, or the last reading that did not have it. As the store's clock has it. The same
   * array for equal times.
   */
  startTime(row: number): HrTime;
}

/** `name="value",…` of each row as UTF-8, names and values as the Prometheus text format has them (labelsText). */
export interface RowTexts {
  readonly bytes: Uint8Array;
  /** By row: where in `bytes` its text is. */
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
}

/** All tables of all programs, read together. */
export interface Reading {
  /** Counts readings from 1. */
  readonly sequence: number;
  /** When the maps were read, as the store's clock has it. */
  readonly time: HrTime;
  readonly tables: readonly Rows[];
  /** How long reading all maps and decoding their new keys took. */
  readonly durationMs: number;
  /** What could not be read this time, one error per map. */
  readonly errors: readonly Error[];
}

export interface SeriesStore {
  /** Which the times of readings and of series are by. */
  readonly clock: Clock;
  /** Reads every map once; callers that ask before the reading has happened share it. Never rejects for a map that can't be read. */
  read(): Promise<Reading>;
  /** Puts off the next reading until it is disposed of, for whoever can't take over a reading's rows and cells at once. */
  hold(): Disposable;
}
