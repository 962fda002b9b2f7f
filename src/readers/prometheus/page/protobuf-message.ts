import type { HrTime } from '@opentelemetry/api';
import { openMetricsUnit, type PrometheusKind } from '../../../config/names/prometheus.ts';
import { messageField, stringField, varintField } from '../../wire/protobuf.ts';
import type { Label } from './family.ts';

/**
 * Fields of io.prometheus.client, the messages of a scrape in protobuf.
 * Source: github.com/prometheus/client_model, io/prometheus/client/metrics.proto.
 */
export const MetricFamily = { name: 1, help: 2, type: 3, metric: 4, unit: 5 } as const;
export const Metric = { label: 1, gauge: 2, counter: 3, histogram: 7 } as const;
export const LabelPair = { name: 1, value: 2 } as const;
export const Gauge = { value: 1 } as const;
export const Counter = { value: 1, createdTimestamp: 3 } as const;
export const Histogram = {
  sampleCount: 1,
  sampleSum: 2,
  bucket: 3,
  schema: 5,
  zeroThreshold: 6,
  zeroCount: 7,
  positiveSpan: 12,
  positiveDelta: 13,
  createdTimestamp: 15,
} as const;
export const Bucket = { cumulativeCount: 1, upperBound: 2 } as const;
export const BucketSpan = { offset: 1, length: 2 } as const;

const types = { counter: 0, gauge: 1, histogram: 4 } as const;

/** All of a MetricFamily but its metrics. */
export function familyFields(
  name: string,
  metric: { readonly help: string; readonly unit: string; readonly kind: PrometheusKind },
): Buffer {
  const unit = openMetricsUnit(name.replace(/_total$/, ''), metric.unit, metric.kind);
  return Buffer.concat([
    stringField(MetricFamily.name, name),
    stringField(MetricFamily.help, metric.help),
    varintField(MetricFamily.type, types[metric.kind]),
    ...(unit === undefined ? [] : [stringField(MetricFamily.unit, unit)]),
  ]);
}

/** A Metric's labels, by their names on the page. */
export function labelFields(labels: readonly Label[]): Buffer {
  return Buffer.concat(
    labels.map(([name, value]) =>
      messageField(Metric.label, [stringField(LabelPair.name, name), stringField(LabelPair.value, value)]),
    ),
  );
}

/** google.protobuf.Timestamp: seconds (field 1) and nanoseconds (field 2). */
export function timestampField(field: number, [seconds, nanoseconds]: HrTime): Buffer {
  return messageField(field, [varintField(1, seconds), varintField(2, nanoseconds)]);
}
