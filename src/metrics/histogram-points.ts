import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import {
  type AggregationTemporality,
  DataPointType,
  type Histogram,
  type HistogramMetricData,
  InstrumentType,
} from '@opentelemetry/sdk-metrics';
import type { HistogramMetricPlan } from '../config/plan.ts';
import { type Layout, type MetricPoints, type Point, rearranged } from './points.ts';

/**
 * Points of an explicit-bucket histogram: bounds.length + 1 counts, the last of what is above the last bound
 * (0 where the layout has no slot for it), their sum as the count, and the program's own sum where it keeps one.
 */
export class HistogramPoints implements MetricPoints {
  readonly isGauge = false;
  readonly temporality: AggregationTemporality;
  readonly columns: readonly number[];
  readonly #plan: HistogramMetricPlan;
  readonly #bounds: number[];
  readonly #data: HistogramMetricData & { dataPoints: Point<Histogram>[] };
  #points: Point<Histogram>[] = [];
  #extra: Point<Histogram>[] = [];

  constructor(plan: HistogramMetricPlan, temporality: AggregationTemporality) {
    this.#plan = plan;
    this.temporality = temporality;
    this.columns = Array.from({ length: plan.slots }, (_, slot) => plan.cell + slot);
    if (plan.sum !== undefined) this.columns = [...this.columns, plan.sum.cell];
    this.#bounds = [...plan.bounds];
    const { name, help: description, unit } = plan;
    const descriptor = { name, type: InstrumentType.HISTOGRAM, description, unit, valueType: ValueType.DOUBLE };
    this.#data = {
      descriptor,
      aggregationTemporality: temporality,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: [],
    };
  }

  rearrange(from: Int32Array, attributes: (point: number) => Attributes, starts: readonly HrTime[]): void {
    this.#points = rearranged(this.#points, from, (point) => this.#make(attributes(point), starts[point]!));
  }

  attributes(point: number): Attributes {
    return this.#points[point]!.attributes;
  }

  setStart(point: number, start: HrTime): void {
    this.#points[point]!.startTime = start;
  }

  write(cells: Float64Array, layout: Layout, time: HrTime): void {
    for (const [i, point] of this.#points.entries()) {
      this.#fill(point.value, cells, layout.rowOf[i]! * layout.width);
      point.endTime = time;
    }
    this.#extra = [];
  }

  addExtra(cells: Float64Array, attributes: Attributes, start: HrTime, time: HrTime): void {
    const point = this.#make(attributes, start);
    this.#fill(point.value, cells, 0);
    point.endTime = time;
    this.#extra.push(point);
  }

  data(): HistogramMetricData | undefined {
    this.#data.dataPoints = this.#extra.length === 0 ? this.#points : [...this.#points, ...this.#extra];
    return this.#data.dataPoints.length === 0 ? undefined : this.#data;
  }

  #make(attributes: Attributes, start: HrTime): Point<Histogram> {
    const counts = new Array<number>(this.#bounds.length + 1).fill(0);
    const buckets = { boundaries: this.#bounds, counts };
    const value = this.#plan.sum === undefined ? { buckets, count: 0 } : { buckets, count: 0, sum: Number.NaN };
    return { startTime: start, endTime: start, attributes, value };
  }

  #fill(histogram: Histogram, cells: Float64Array, base: number): void {
    const { cell, slots, sum } = this.#plan;
    const { counts } = histogram.buckets;
    let count = 0;
    for (let slot = 0; slot < slots; slot++) {
      const value = cells[base + cell + slot]!;
      counts[slot] = value;
      count += value;
    }
    histogram.count = count;
    if (sum !== undefined) histogram.sum = (cells[base + sum.cell]! * sum.scale.multiplier) / sum.scale.divisor;
  }
}
