import type { HrTime } from '@opentelemetry/api';
import type { MetricPlan } from '../../../config/plan.ts';
import { columnsOf } from '../../../metrics/columns.ts';

/** A series that vanished before its last numbers were delivered. */
export interface Leftover {
  /** Its attributes as EncodedLabels has them. */
  readonly labels: Buffer;
  /** By column of the metric: cumulative the total, delta what was not delivered of it. */
  readonly numbers: Float64Array;
  readonly start: HrTime;
  time: HrTime;
}

/** Where a table's numbers are: row r's from r × width. */
interface Cells {
  readonly cells: Float64Array;
  readonly width: number;
}

/**
 * What one reader knows of one metric of a table beside its totals: what of them the receiver has acknowledged, since
 * when each series counts, and which vanished without being delivered.
 *
 * A delta is the total minus what was acknowledged, so that what one export could not deliver is in the next, however
 * much later that is. Source: "Temporality" in specification/metrics/data-model.md of OpenTelemetry.
 */
export class MetricTotals {
  readonly plan: MetricPlan;
  readonly program: string;
  readonly isDelta: boolean;
  readonly isGauge: boolean;
  /** Of the table's columns those of this metric; of a histogram its slots, then its sum. */
  readonly columns: Int32Array;
  /** By row and column of the metric: what was acknowledged of the total. */
  delivered = new Float64Array(0);
  /** By row: seconds and nanoseconds at which the next point starts. */
  starts = new Uint32Array(0);
  /** By series; of a cumulative metric by series and start. */
  readonly leftovers = new Map<string, Leftover>();

  constructor(plan: MetricPlan, program: string, isDelta: boolean) {
    this.plan = plan;
    this.program = program;
    this.isGauge = plan.kind === 'gauge';
    this.isDelta = isDelta && !this.isGauge;
    this.columns = Int32Array.from(columnsOf(plan));
  }

  /** Makes room for so many rows. */
  reserve(rows: number): void {
    if (rows * 2 <= this.starts.length) return;
    const capacity = Math.max(rows, Math.ceil(this.starts.length * 0.75));
    const starts = new Uint32Array(capacity * 2);
    const delivered = new Float64Array(capacity * this.columns.length);
    starts.set(this.starts);
    delivered.set(this.delivered);
    this.starts = starts;
    this.delivered = delivered;
  }

  /** A series began in this row; `labels` tells its attributes. A delta goes on with what is left of that series. */
  begin(row: number, start: HrTime, labels: () => Buffer): void {
    const first = row * this.columns.length;
    this.delivered.fill(0, first, first + this.columns.length);
    this.#setStart(row, start);
    if (!this.isDelta || this.leftovers.size === 0) return;
    const key = labels().toString('latin1');
    const left = this.leftovers.get(key);
    if (left === undefined) return;
    this.leftovers.delete(key);
    for (let i = 0; i < this.columns.length; i++) this.delivered[first + i] = -left.numbers[i]!;
    this.#setStart(row, left.start);
  }

  /**
   * The series in this row has vanished; `totals` are those of the last reading that had it, which was at `time`.
   * Keeps what was not delivered. Returns false where there is no room: more than `limit` are kept already.
   */
  end(row: number, totals: Cells, labels: () => Buffer, time: HrTime, limit: number): boolean {
    if (this.isGauge) return true;
    const left = this.#undelivered(row, totals);
    if (left === undefined) return true;
    const attributes = labels();
    const start: HrTime = [this.starts[row * 2]!, this.starts[row * 2 + 1]!];
    const series = attributes.toString('latin1');
    const key = this.isDelta ? series : `${start.join(' ')} ${series}`;
    const known = this.leftovers.get(key);
    if (known !== undefined) {
      for (let i = 0; i < left.length; i++) known.numbers[i] = left[i]! + (this.isDelta ? known.numbers[i]! : 0);
      known.time = time;
      return true;
    }
    if (this.leftovers.size >= limit) return false;
    this.leftovers.set(key, { labels: attributes, numbers: left, start, time });
    return true;
  }

  /**
   * The series counts from 0 again: since the reading at `time`, whose totals these are. A delta keeps what had come
   * till then, a cumulative series has it delivered as if it had vanished.
   */
  reset(row: number, totals: Cells, labels: () => Buffer, time: HrTime, limit: number): boolean {
    if (this.isGauge) return true;
    const first = row * this.columns.length;
    if (this.isDelta) {
      for (let i = 0; i < this.columns.length; i++) this.delivered[first + i]! -= this.#total(row, i, totals);
      return true;
    }
    const kept = this.end(row, totals, labels, time, limit);
    this.delivered.fill(0, first, first + this.columns.length);
    this.#setStart(row, time);
    return kept;
  }

  /** The receiver has taken the totals of rows from … to - 1 as of `time`. Unused ones may be anything. */
  acknowledge(from: number, to: number, { cells, width }: Cells, time: HrTime): void {
    const { columns, delivered } = this;
    for (let row = from; row < to; row++) {
      const base = row * width;
      const own = row * columns.length;
      for (let i = 0; i < columns.length; i++) delivered[own + i] = cells[base + columns[i]!]!;
      if (this.isDelta) this.#setStart(row, time);
    }
  }

  #total(row: number, column: number, { cells, width }: Cells): number {
    return cells[row * width + this.columns[column]!]!;
  }

  #undelivered(row: number, totals: Cells): Float64Array | undefined {
    const first = row * this.columns.length;
    const left = new Float64Array(this.columns.length);
    let some = false;
    for (let i = 0; i < left.length; i++) {
      const total = this.#total(row, i, totals);
      const delivered = this.delivered[first + i]!;
      if (total !== delivered) some = true;
      left[i] = this.isDelta ? total - delivered : total;
    }
    return some ? left : undefined;
  }

  #setStart(row: number, [seconds, nanoseconds]: HrTime): void {
    this.starts[row * 2] = seconds;
    this.starts[row * 2 + 1] = nanoseconds;
  }
}
