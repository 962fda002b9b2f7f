import type { HrTime } from '@opentelemetry/api';
import { AggregationTemporality } from '@opentelemetry/sdk-metrics';
import { metricInstruments } from '../../../config/instrument-types.ts';
import type { MetricPlan, TablePlan } from '../../../config/plan.ts';
import { growingColumns } from '../../../metrics/columns.ts';
import { sdkInstruments } from '../../../metrics/instrument-types.ts';
import type { Rows, RowTexts } from '../../../metrics/rows.ts';
import type { SelectTemporality } from '../../temporality.ts';
import { EncodedLabels } from './encoded-labels.ts';
import { MetricTotals } from './metric.ts';

/** Vanished series that wait to be delivered: at most as many as the table has series, or so many. */
const MIN_LEFTOVERS = 1000;
/** New series that are set up before others have their turn: a few milliseconds. */
const STRETCH = 5000;

/**
 * One reader's copy of a table's totals, so that they can be encoded and sent a piece at a time while other readers
 * have the maps read again, with what of them was acknowledged.
 */
export class TableTotals {
  readonly plan: TablePlan;
  readonly metrics: readonly MetricTotals[];
  readonly labels: EncodedLabels;
  readonly width: number;
  /** As in Rows. */
  cells = new Float64Array(0);
  /** By row; 0: the row is unused. */
  identities = new Uint32Array(0);
  length = 0;
  used = 0;
  /** Of the last reading. */
  time: HrTime = [0, 0];
  readonly #watched: Int32Array;
  readonly #onDropped: (metric: MetricPlan) => void;
  #revision: number | undefined;

  /** `onDropped` is told of each vanished series whose last numbers there is no room to keep. */
  constructor(rows: Rows, select: SelectTemporality, onDropped: (metric: MetricPlan) => void) {
    const { plan, program } = rows;
    this.plan = plan;
    this.width = plan.width;
    this.labels = new EncodedLabels(plan.labels.map(({ name }) => name));
    this.metrics = plan.metrics.map((metric) => {
      const isDelta = select(sdkInstruments[metricInstruments[metric.kind]]) === AggregationTemporality.DELTA;
      return new MetricTotals(metric, program, isDelta);
    });
    this.#watched = growingColumns(plan);
    this.#onDropped = onDropped;
  }

  /** Takes in a reading of its table, in stretches: where it yields, others may have their turn, but no new reading. */
  *take(rows: Rows, time: HrTime): Generator<void> {
    if (rows.revision !== this.#revision) yield* this.#rearrange(rows);
    if (this.#watched.length > 0) this.#findResets(rows.cells);
    this.cells.set(rows.cells.subarray(0, this.length * this.width));
    this.time = time;
  }

  *#rearrange(rows: Rows): Generator<void> {
    const previous = this.length;
    const begun: number[] = [];
    this.#reserve(rows.length);
    for (let row = 0; row < Math.max(previous, rows.length); row++) {
      const identity = row < rows.length && rows.isUsed(row) ? rows.identity(row) : 0;
      const known = row < previous ? this.identities[row]! : 0;
      if (identity === known) continue;
      if (known !== 0) this.#end(row);
      this.identities[row] = identity;
      if (identity !== 0) begun.push(row);
    }
    // Only when all that vanished has been put aside: a series may come back in another row.
    const { series } = rows;
    for (const [i, row] of begun.entries()) {
      if (i % STRETCH === STRETCH - 1) yield;
      this.#begin(row, rows, series);
    }
    this.labels.compact();
    this.length = rows.length;
    this.used = rows.used;
    this.#revision = rows.revision;
  }

  #begin(row: number, rows: Rows, series: RowTexts): void {
    this.labels.set(row, series);
    this.cells.fill(0, row * this.width, (row + 1) * this.width);
    const start = rows.startTime(row);
    for (const metric of this.metrics) metric.begin(row, start, () => this.labels.copy(row));
  }

  #end(row: number): void {
    this.#keep((metric, labels) => metric.end(row, this, labels, this.time, this.#limit), row);
    this.labels.release(row);
  }

  /** A watched column went down, so that the whole row was written anew. */
  #findResets(cells: Float64Array): void {
    const old = this.cells;
    const watched = this.#watched;
    for (let row = 0; row < this.length; row++) {
      if (this.identities[row] === 0) continue;
      const base = row * this.width;
      for (let i = 0; i < watched.length; i++) {
        const at = base + watched[i]!;
        if (cells[at]! >= old[at]!) continue;
        this.#keep((metric, labels) => metric.reset(row, this, labels, this.time, this.#limit), row);
        break;
      }
    }
  }

  #keep(keep: (metric: MetricTotals, labels: () => Buffer) => boolean, row: number): void {
    for (const metric of this.metrics) {
      if (!keep(metric, () => this.labels.copy(row))) this.#onDropped(metric.plan);
    }
  }

  get #limit(): number {
    return Math.max(MIN_LEFTOVERS, this.used);
  }

  #reserve(rows: number): void {
    this.labels.reserve(rows);
    for (const metric of this.metrics) metric.reserve(rows);
    if (rows <= this.identities.length) return;
    const capacity = Math.max(rows, Math.ceil(this.identities.length * 1.5));
    const identities = new Uint32Array(capacity);
    const cells = new Float64Array(capacity * this.width);
    identities.set(this.identities);
    cells.set(this.cells);
    this.identities = identities;
    this.cells = cells;
  }
}
