import type { Attributes, HrTime } from '@opentelemetry/api';
import { AggregationTemporality, InstrumentType, type MetricData } from '@opentelemetry/sdk-metrics';
import type { MetricPlan, TablePlan } from '../config/plan.ts';
import { HistogramPoints } from './histogram-points.ts';
import { Increments, later } from './increments.ts';
import { NumberPoints } from './number-points.ts';
import type { Layout, MetricPoints } from './points.ts';
import type { Rows } from './rows.ts';

/** Vanished series whose last increments wait to be delivered: at most as many as the table has series, or so many. */
const MIN_LEFTOVERS = 1000;

export type SelectTemporality = (instrument: InstrumentType) => AggregationTemporality;

/** A series that vanished before its last increments were delivered. */
interface Leftover {
  readonly cells: Float64Array;
  readonly attributes: Attributes;
  readonly start: HrTime;
}

/**
 * One reader's data points of one table.
 *
 * Cumulative points start where the series began or, after a reset, at this reader's previous collection.
 * Delta points start at the reader's last commit, or where the series began if that is later, and every series has one,
 * of 0 where nothing was counted: intervals without gaps are what tells a consumer that nothing was lost.
 * Delta increments that were not committed are carried into the next collection, those of vanished series too.
 */
export class TablePoints {
  readonly #metrics: readonly MetricPoints[];
  readonly #increments: Increments;
  readonly #deltas: readonly MetricPoints[];
  readonly #cumulatives: readonly MetricPoints[];
  #layout: Layout;
  #revision: number | undefined;
  #identities: number[] = [];
  /** By point: when the series began. */
  #starts: HrTime[] = [];
  #leftovers = new Map<string, Leftover>();
  #overflowed = false;
  #previous: HrTime | undefined;
  #committed: HrTime | undefined;

  constructor(plan: TablePlan, select: SelectTemporality) {
    this.#metrics = plan.metrics.map((metric) => createPoints(metric, select));
    const growing = this.#metrics.filter((metric) => !metric.isGauge);
    this.#deltas = growing.filter((metric) => metric.temporality === AggregationTemporality.DELTA);
    this.#cumulatives = growing.filter((metric) => metric.temporality !== AggregationTemporality.DELTA);
    const columns = [...new Set(growing.flatMap((metric) => metric.columns))];
    const watched = columns.filter((column) => !isSignedSum(plan, column));
    this.#increments = new Increments(plan.width, columns, watched, this.#deltas.length > 0);
    this.#layout = { rowOf: new Uint32Array(0), width: plan.width };
  }

  /** Takes in a reading; returns the metrics that have points. They are overwritten by the next update. */
  update(rows: Rows, time: HrTime): MetricData[] {
    if (rows.revision !== this.#revision) this.#rearrange(rows);
    const resets = this.#increments.advance(rows.cells, this.#layout);
    for (const metric of this.#cumulatives) {
      for (const point of resets) metric.setStart(point, this.#previous ?? time);
    }
    for (const metric of this.#metrics) {
      if (!this.#deltas.includes(metric)) metric.write(rows.cells, this.#layout, time);
    }
    for (const metric of this.#deltas) this.#writeDelta(metric, time);
    this.#previous = time;
    return this.#metrics.map((metric) => metric.data()).filter((data) => data !== undefined);
  }

  /** Whether series vanished since the last commit whose increments there was no room to keep. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** The last update has been delivered. */
  commit(): void {
    this.#committed = this.#previous;
    this.#increments.commit();
    this.#leftovers.clear();
    this.#overflowed = false;
  }

  #writeDelta(metric: MetricPoints, time: HrTime): void {
    for (const [point, start] of this.#starts.entries()) metric.setStart(point, later(start, this.#committed));
    metric.write(this.#increments.undelivered!, this.#layout, time);
    for (const { cells, attributes, start } of this.#leftovers.values()) {
      metric.addExtra(cells, attributes, later(start, this.#committed), time);
    }
  }

  #rearrange(rows: Rows): void {
    const old = this.#layout.rowOf;
    const rowOf = new Uint32Array(rows.used);
    const from = new Int32Array(rows.used);
    const identities: number[] = [];
    const starts: HrTime[] = [];
    let next = 0;
    for (let row = 0; row < rows.length && identities.length < rows.used; row++) {
      if (!rows.isUsed(row)) continue;
      while (next < old.length && old[next]! < row) this.#end(next++);
      const identity = rows.identity(row);
      const point = identities.length;
      let was = -1;
      if (next < old.length && old[next] === row) {
        if (this.#identities[next] === identity) was = next;
        else this.#end(next);
        next++;
      }
      from[point] = was;
      rowOf[point] = row;
      identities.push(identity);
      starts.push(was < 0 ? rows.startTime(row) : this.#starts[was]!);
    }
    while (next < old.length) this.#end(next++);

    this.#layout = { rowOf, width: this.#layout.width };
    this.#identities = identities;
    this.#starts = starts;
    this.#revision = rows.revision;
    this.#increments.reserve(rows.length);
    this.#begin(rows, from);
    for (const metric of this.#metrics) metric.rearrange(from, (point) => rows.attributes(rowOf[point]!), starts);
  }

  /** Sets up what is new. Only when all that vanished has been put aside: a series may come back in another row. */
  #begin(rows: Rows, from: Int32Array): void {
    for (let point = 0; point < from.length; point++) {
      if (from[point]! >= 0) continue;
      const row = this.#layout.rowOf[point]!;
      this.#increments.clear(row);
      if (this.#leftovers.size === 0) continue;
      const key = JSON.stringify(rows.attributes(row));
      const leftover = this.#leftovers.get(key);
      if (leftover === undefined) continue;
      this.#leftovers.delete(key);
      this.#increments.add(row, leftover.cells);
      this.#starts[point] = leftover.start;
    }
  }

  /** The series of this point has vanished. */
  #end(point: number): void {
    const metric = this.#deltas[0];
    if (metric === undefined) return;
    const cells = this.#increments.leftOf(this.#layout.rowOf[point]!);
    if (cells === undefined) return;
    if (this.#leftovers.size >= Math.max(MIN_LEFTOVERS, this.#layout.rowOf.length)) {
      this.#overflowed = true;
      return;
    }
    const attributes = metric.attributes(point);
    this.#leftovers.set(JSON.stringify(attributes), { cells, attributes, start: this.#starts[point]! });
  }
}

/** A histogram's sum goes down without a reset where negative values are observed. */
function isSignedSum(plan: TablePlan, column: number): boolean {
  const isSum = plan.metrics.some((metric) => metric.kind === 'histogram' && metric.sum?.cell === column);
  const field = plan.fields.find(({ cell, count }) => column >= cell && column < cell + count);
  return isSum && field !== undefined && plan.bucketKey === undefined && field.type.startsWith('i');
}

function createPoints(plan: MetricPlan, select: SelectTemporality): MetricPoints {
  switch (plan.kind) {
    case 'histogram':
      return new HistogramPoints(plan, select(InstrumentType.HISTOGRAM));
    case 'counter':
      return new NumberPoints(plan, select(InstrumentType.OBSERVABLE_COUNTER));
    case 'gauge':
      return new NumberPoints(plan, select(InstrumentType.OBSERVABLE_GAUGE));
  }
}
