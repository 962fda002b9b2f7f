import type { Attributes, HrTime } from '@opentelemetry/api';
import type { AggregationTemporality, MetricData } from '@opentelemetry/sdk-metrics';

/** A data point that is written anew for every collection: DataPoint of the SDK, but for `readonly`. */
export interface Point<Value> {
  startTime: HrTime;
  endTime: HrTime;
  attributes: Attributes;
  value: Value;
}

/** Where the points' series are in a table's cells: point p is row rowOf[p], whose cells start at rowOf[p] × width. */
export interface Layout {
  readonly rowOf: Uint32Array;
  readonly width: number;
}

/** The data points of one metric, one for each series, kept as long as the series. */
export interface MetricPoints {
  readonly temporality: AggregationTemporality;
  /** True: values are taken as they are, whatever the temporality. */
  readonly isGauge: boolean;
  /** Columns that only grow, but for resets; none of a gauge. */
  readonly columns: readonly number[];
  /** Takes over the points of series that stay: point p was point from[p], or is made where that is negative. */
  rearrange(from: Int32Array, attributes: (point: number) => Attributes, starts: readonly HrTime[]): void;
  attributes(point: number): Attributes;
  setStart(point: number, start: HrTime): void;
  /** Writes value and time of each point, from cells as Rows has them. */
  write(cells: Float64Array, layout: Layout, time: HrTime): void;
  /** One more point, for this collection only; its cells are one row. */
  addExtra(cells: Float64Array, attributes: Attributes, start: HrTime, time: HrTime): void;
  /** The same object each time, its points overwritten by the next write; undefined where there is no point. */
  data(): MetricData | undefined;
}

/** Points of series that stay, moved to their new places; the others as `make` makes them. */
export function rearranged<Value>(
  points: readonly Point<Value>[],
  from: Int32Array,
  make: (point: number) => Point<Value>,
): Point<Value>[] {
  const next: Point<Value>[] = [];
  for (let point = 0; point < from.length; point++) {
    const old = from[point]!;
    next.push(old < 0 ? make(point) : points[old]!);
  }
  return next;
}
