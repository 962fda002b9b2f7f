import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import {
  type AggregationTemporality,
  DataPointType,
  InstrumentType,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import type { NumberMetricPlan } from '../config/plan.ts';
import { type Layout, type MetricPoints, type Point, rearranged } from './points.ts';

/** OTLP's integers are signed 64-bit (NumberDataPoint.as_int of metrics.proto): what is above goes out as a double. */
const INT_LIMIT = 2 ** 63;

/** Points of a counter (a monotonic sum) or a gauge. */
export class NumberPoints implements MetricPoints {
  readonly temporality: AggregationTemporality;
  readonly isGauge: boolean;
  readonly columns: readonly number[];
  readonly #plan: NumberMetricPlan;
  readonly #integer: boolean;
  readonly #intData: MetricData & { dataPoints: Point<number>[] };
  readonly #doubleData: MetricData & { dataPoints: Point<number>[] };
  #points: Point<number>[] = [];
  #extra: Point<number>[] = [];
  #tooLarge = false;

  constructor(plan: NumberMetricPlan, temporality: AggregationTemporality) {
    this.#plan = plan;
    this.temporality = temporality;
    this.isGauge = plan.kind === 'gauge';
    this.columns = this.isGauge ? [] : [plan.cell];
    this.#integer = plan.scale.divisor === 1 && Number.isInteger(plan.scale.multiplier);
    this.#intData = describe(plan, temporality, ValueType.INT);
    this.#doubleData = describe(plan, temporality, ValueType.DOUBLE);
  }

  rearrange(from: Int32Array, attributes: (point: number) => Attributes, starts: readonly HrTime[]): void {
    this.#points = rearranged(this.#points, from, (point) => makePoint(attributes(point), starts[point]!));
  }

  attributes(point: number): Attributes {
    return this.#points[point]!.attributes;
  }

  setStart(point: number, start: HrTime): void {
    this.#points[point]!.startTime = start;
  }

  write(cells: Float64Array, layout: Layout, time: HrTime): void {
    const { rowOf, width } = layout;
    const { cell } = this.#plan;
    const { multiplier, divisor } = this.#plan.scale;
    const points = this.#points;
    let largest = 0;
    let smallest = 0;
    for (let i = 0; i < points.length; i++) {
      const value = (cells[rowOf[i]! * width + cell]! * multiplier) / divisor;
      if (value > largest) largest = value;
      else if (value < smallest) smallest = value;
      const point = points[i]!;
      point.value = value;
      point.endTime = time;
    }
    this.#tooLarge = largest >= INT_LIMIT || smallest < -INT_LIMIT;
    this.#extra = [];
  }

  addExtra(cells: Float64Array, attributes: Attributes, start: HrTime, time: HrTime): void {
    const { multiplier, divisor } = this.#plan.scale;
    const value = (cells[this.#plan.cell]! * multiplier) / divisor;
    if (value >= INT_LIMIT) this.#tooLarge = true;
    this.#extra.push({ startTime: start, endTime: time, attributes, value });
  }

  data(): MetricData | undefined {
    const dataPoints = this.#extra.length === 0 ? this.#points : [...this.#points, ...this.#extra];
    if (dataPoints.length === 0) return undefined;
    const data = this.#integer && !this.#tooLarge ? this.#intData : this.#doubleData;
    data.dataPoints = dataPoints;
    return data;
  }
}

/** NaN makes V8 keep a number that is overwritten in place; a small integer would be replaced by a new object later. */
function makePoint(attributes: Attributes, start: HrTime): Point<number> {
  return { startTime: start, endTime: start, attributes, value: Number.NaN };
}

function describe(
  plan: NumberMetricPlan,
  aggregationTemporality: AggregationTemporality,
  valueType: ValueType,
): MetricData & { dataPoints: Point<number>[] } {
  const type = plan.kind === 'counter' ? InstrumentType.OBSERVABLE_COUNTER : InstrumentType.OBSERVABLE_GAUGE;
  const descriptor = { name: plan.name, type, description: plan.help, unit: plan.unit, valueType };
  const dataPoints: Point<number>[] = [];
  return plan.kind === 'counter'
    ? { descriptor, aggregationTemporality, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
    : { descriptor, aggregationTemporality, dataPointType: DataPointType.GAUGE, dataPoints };
}
