import type { ExponentialHistogram } from '@opentelemetry/sdk-metrics';

interface Buckets {
  readonly offset: number;
  readonly bucketCounts: readonly number[];
}

/**
 * What an exponential histogram counted since an earlier state of it, `before`. Its scale only goes down with time:
 * buckets of the earlier state are merged until they fit. Minimum and maximum of the interval aren't known.
 */
export function subtractExponential(total: ExponentialHistogram, before: ExponentialHistogram): ExponentialHistogram {
  const shift = before.scale - total.scale;
  return {
    count: total.count - before.count,
    ...(total.sum !== undefined && { sum: total.sum - (before.sum ?? 0) }),
    scale: total.scale,
    zeroCount: total.zeroCount - before.zeroCount,
    positive: subtract(total.positive, before.positive, shift),
    negative: subtract(total.negative, before.negative, shift),
  };
}

/** Two neighbours are one bucket of the next lower scale: index >> 1, which rounds down below zero too. */
function subtract(total: Buckets, before: Buckets, shift: number): { offset: number; bucketCounts: number[] } {
  const bucketCounts = [...total.bucketCounts];
  for (const [i, count] of before.bucketCounts.entries()) {
    if (count > 0) bucketCounts[((before.offset + i) >> shift) - total.offset]! -= count;
  }
  return { offset: total.offset, bucketCounts };
}
