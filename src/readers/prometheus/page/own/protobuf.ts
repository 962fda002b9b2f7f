import type { ExponentialHistogram } from '@opentelemetry/sdk-metrics';
import { doubleField, messageField, varintField, varintTag, writeVarint, writeZigzag } from '../../../wire/protobuf.ts';
import {
  Bucket,
  BucketSpan,
  Counter,
  familyFields,
  Gauge,
  Histogram,
  labelFields,
  Metric,
  MetricFamily,
  timestampField,
} from '../protobuf-message.ts';
import { isExponential, type OwnFamily, type OwnPoint } from './families.ts';

/** What the exporter's own instruments tell as MetricFamily messages, each with its length in front. */
export function ownProtobuf(families: readonly OwnFamily[]): Buffer {
  return Buffer.concat(
    families.flatMap((family) => {
      const { name, help, unit } = family;
      const kind = family.kind === 'info' ? 'gauge' : family.kind;
      const metrics = family.points.map((point) =>
        messageField(MetricFamily.metric, [labelFields(point.labels), valueField(kind, point)]),
      );
      const message = Buffer.concat([familyFields(name, { help, unit, kind }), ...metrics]);
      return [varint(message.length), message];
    }),
  );
}

function valueField(kind: 'counter' | 'gauge' | 'histogram', { value, start }: OwnPoint): Buffer {
  if (typeof value === 'number') {
    if (kind === 'gauge') return messageField(Metric.gauge, [doubleField(Gauge.value, value)]);
    return messageField(Metric.counter, [
      doubleField(Counter.value, value),
      timestampField(Counter.createdTimestamp, start),
    ]);
  }
  return messageField(Metric.histogram, [
    varintField(Histogram.sampleCount, value.count),
    doubleField(Histogram.sampleSum, value.sum ?? Number.NaN),
    ...(isExponential(value) ? nativeFields(value) : bucketFields(value.buckets)),
    timestampField(Histogram.createdTimestamp, start),
  ]);
}

function bucketFields({ boundaries, counts }: { boundaries: readonly number[]; counts: readonly number[] }): Buffer[] {
  let count = 0;
  return boundaries.map((bound, index) => {
    count += counts[index]!;
    return messageField(Histogram.bucket, [
      varintField(Bucket.cumulativeCount, count),
      doubleField(Bucket.upperBound, bound),
    ]);
  });
}

/** The finest schema that Prometheus knows. */
const FINEST = 8;

/** Durations and sizes are never negative, so neither are buckets. */
function nativeFields({ scale, zeroCount, positive }: ExponentialHistogram): Buffer[] {
  const schema = Math.min(scale, FINEST);
  const shift = scale - schema;
  const buckets = new Map<number, number>();
  for (const [index, count] of positive.bucketCounts.entries()) {
    // OpenTelemetry names a bucket by its lower bound, Prometheus by its upper.
    const coarser = Math.floor((positive.offset + index) / 2 ** shift) + 1;
    buckets.set(coarser, (buckets.get(coarser) ?? 0) + count);
  }
  const [first] = buckets.keys();
  const fields = [
    zigzagField(Histogram.schema, schema),
    doubleField(Histogram.zeroThreshold, 2 ** -128),
    varintField(Histogram.zeroCount, zeroCount),
  ];
  if (first === undefined) return fields;
  let before = 0;
  return [
    ...fields,
    messageField(Histogram.positiveSpan, [
      zigzagField(BucketSpan.offset, first),
      varintField(BucketSpan.length, buckets.size),
    ]),
    ...[...buckets.values()].map((count) => {
      const delta = count - before;
      before = count;
      return zigzagField(Histogram.positiveDelta, delta);
    }),
  ];
}

function zigzagField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(11);
  bytes[0] = varintTag(field);
  return bytes.subarray(0, writeZigzag(bytes, 1, value));
}

function varint(value: number): Buffer {
  const bytes = Buffer.alloc(10);
  return bytes.subarray(0, writeVarint(bytes, 0, value));
}
