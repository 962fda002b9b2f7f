import type { HistogramMetricPlan } from '../../../config/plan.ts';

/**
 * A native histogram of schema 0 has a bucket (2^(i-1), 2^i] for each index i, and one for what is around zero.
 * Source: prometheus.io/docs/specs/native_histograms.
 */
interface NativeLayout {
  /** What the first slot holds: from zero up to here, in the metric's unit; a power of two. */
  readonly zeroThreshold: number;
  /** Index of the second slot's bucket; those of the slots behind follow. */
  readonly firstIndex: number;
}

/**
 * How a histogram's slots are buckets of schema 0, each slot one bucket, so that nothing is sampled anew; undefined
 * where the slots are no powers of two, and where a view asks for explicit buckets, which are classic ones here. Where the program counts in another unit than the metric's (microseconds for
 * seconds), the slots are powers of two times a constant, and each bucket's bounds are those of its slot moved to
 * the nearest power of two: by less than 5 % for microseconds, 7 % for nanoseconds, 3 % for milliseconds.
 */
export function nativeLayout(plan: HistogramMetricPlan): NativeLayout | undefined {
  const [lowest] = plan.bounds;
  if (plan.aggregation === 'explicit' || !plan.powersOfTwo || lowest === undefined || !(lowest > 0)) return undefined;
  const exponent = Math.round(Math.log2(lowest));
  return { zeroThreshold: 2 ** exponent, firstIndex: exponent + 1 };
}
