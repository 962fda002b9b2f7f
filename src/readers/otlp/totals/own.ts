import type { HrTime } from '@opentelemetry/api';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  type InstrumentType,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import type { Clock } from '../../../metrics/clock.ts';
import type { SelectTemporality } from '../../temporality.ts';
import { subtractExponential } from './subtract-exponential.ts';

/** Points of the exporter's own instruments that go into one request. */
export interface OwnPart {
  /** An ExportMetricsServiceRequest. */
  readonly bytes: Uint8Array;
  readonly points: number;
  /** The receiver has them. */
  acknowledge(): void;
  /** What the deltas count, by metric. */
  counted(): Iterable<{ metric: string; amount: number }>;
}

/** No more in one part, so that it stays far below what a receiver takes. */
const MOST_POINTS = 5000;

interface Delivered {
  readonly value: Value;
  readonly time: HrTime;
}
type Value = number | Histogram | ExponentialHistogram;
type AnyPoint = DataPoint<Value>;

interface Pending {
  readonly key: string;
  readonly metric: string;
  readonly total: AnyPoint;
  readonly amount: number;
}

/**
 * The exporter's own instruments, which the SDK collects with cumulative temporality: where deltas are wanted they are made
 * here, as the totals minus those that were acknowledged, so that an export that failed loses nothing.
 */
export class OwnTotals {
  readonly #select: SelectTemporality;
  readonly #clock: Clock;
  readonly #delivered = new Map<string, Delivered>();

  /**
   * They all began to count with the process: the SDK has an observed counter begin with its first observation, an interval
   * without a length, in which whatever had been counted till then would have come at once. All their times are by
   * `clock`, since the SDK's own goes back where the wall clock is set back.
   */
  constructor(select: SelectTemporality, clock: Clock) {
    this.#select = select;
    this.#clock = clock;
  }

  /** Encodes what was collected just now, in parts of at most so many points. */
  parts({ resource, scopeMetrics }: ResourceMetrics, maxPoints: number): OwnPart[] {
    const time = this.#clock.read();
    const parts: OwnPart[] = [];
    const most = Math.min(maxPoints, MOST_POINTS);
    let scopes: ResourceMetrics['scopeMetrics'] = [];
    let pending: Pending[] = [];
    let points = 0;
    const finish = (): void => {
      if (points > 0) parts.push(this.#part({ resource, scopeMetrics: scopes }, points, pending, time));
      [scopes, pending, points] = [[], [], 0];
    };
    for (const { scope, metrics } of scopeMetrics) {
      for (const metric of metrics) {
        for (let from = 0; from < metric.dataPoints.length; ) {
          const slice = metric.dataPoints.slice(from, from + most - points);
          const { data, waiting } = this.#convert({ ...metric, dataPoints: slice } as MetricData, scope.name, time);
          const open = scopes.at(-1);
          if (open?.scope === scope) open.metrics.push(data);
          else scopes.push({ scope, metrics: [data] });
          pending.push(...waiting);
          points += slice.length;
          from += slice.length;
          if (points >= most) finish();
        }
      }
    }
    finish();
    return parts;
  }

  #part(metrics: ResourceMetrics, points: number, pending: readonly Pending[], time: HrTime): OwnPart {
    return {
      bytes: ProtobufMetricsSerializer.serializeRequest(metrics) ?? new Uint8Array(0),
      points,
      acknowledge: () => {
        for (const { key, total } of pending) this.#delivered.set(key, { value: total.value, time });
      },
      counted: () => pending,
    };
  }

  #convert(metric: MetricData, scope: string, time: HrTime): { data: MetricData; waiting: readonly Pending[] } {
    const { descriptor, dataPointType } = metric;
    // It is there, though the SDK's type doesn't say so.
    const { type } = descriptor as typeof descriptor & { type: InstrumentType };
    const isDelta = this.#select(type) === AggregationTemporality.DELTA;
    const { origin } = this.#clock;
    if (!isDelta || dataPointType === DataPointType.GAUGE) {
      const times = this.#times(origin, time);
      const points = (metric.dataPoints as readonly AnyPoint[]).map((total) => ({ ...total, ...times }));
      return { data: { ...metric, dataPoints: points } as MetricData, waiting: [] };
    }
    const waiting: Pending[] = [];
    const dataPoints = (metric.dataPoints as readonly AnyPoint[]).map((total) => {
      const key = JSON.stringify([scope, descriptor.name, total.attributes]);
      const before = this.#delivered.get(key);
      const value = before === undefined ? withoutExtremes(total.value) : increment(total.value, before.value);
      waiting.push({ key, metric: descriptor.name, total, amount: amountOf(value) });
      return { ...total, ...this.#times(before?.time ?? origin, time), value };
    });
    const data = { ...metric, aggregationTemporality: AggregationTemporality.DELTA, dataPoints } as MetricData;
    return { data, waiting };
  }

  /** As the SDK calls them, on the wall clock. */
  #times(start: HrTime, end: HrTime): Pick<AnyPoint, 'startTime' | 'endTime'> {
    const told = this.#clock.told(start, end);
    return { startTime: told.start, endTime: told.time };
  }
}

/** What came since. A total that went down, such as that of a program that was loaded anew, counts in full. */
function increment(total: Value, before: Value): Value {
  if (typeof total === 'number') return total >= (before as number) ? total - (before as number) : total;
  if (total.count < (before as Histogram).count) return withoutExtremes(total);
  if ('scale' in total) return subtractExponential(total, before as ExponentialHistogram);
  const { buckets, count, sum } = before as Histogram;
  return {
    buckets: { ...total.buckets, counts: total.buckets.counts.map((value, i) => value - buckets.counts[i]!) },
    count: total.count - count,
    ...(total.sum !== undefined && { sum: total.sum - (sum ?? 0) }),
  };
}

/** Minimum and maximum are those since the start, which say nothing about one interval. */
function withoutExtremes(value: Value): Value {
  if (typeof value === 'number') return value;
  const { min: _min, max: _max, ...rest } = value;
  return rest;
}

function amountOf(value: Value): number {
  return typeof value === 'number' ? value : value.count;
}
