import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
  type ScopeMetrics,
} from '@opentelemetry/sdk-metrics';
import { MetricsSerializer } from '../../../src/readers/otlp/serializer.ts';
import { decodeExport as decode } from '../../helpers/otlp-server.ts';

const START: HrTime = [1_700_000_000, 1];
const END: HrTime = [1_700_000_060, 999_999_999];
const resource = resourceFromAttributes({ 'service.name': 'test', 'process.pid': 7, nested: ['a', 'b'] });

function sum(
  values: readonly number[],
  options: { int?: boolean; attributes?: Attributes; delta?: boolean } = {},
): MetricData {
  const { int = true, attributes = { device: 'sda' }, delta = false } = options;
  const valueType = int ? ValueType.INT : ValueType.DOUBLE;
  return {
    descriptor: { name: 'ebpf.events', description: 'Events', unit: '{event}', valueType },
    dataPointType: DataPointType.SUM,
    aggregationTemporality: delta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
    isMonotonic: true,
    dataPoints: values.map((value) => ({ attributes, startTime: START, endTime: END, value })),
  };
}

function gauge(value: number): MetricData {
  return {
    descriptor: { name: 'ebpf.level', description: '', unit: '', valueType: ValueType.DOUBLE },
    dataPointType: DataPointType.GAUGE,
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPoints: [{ attributes: {}, startTime: START, endTime: END, value }],
  };
}

function histogram(counts: number[], boundaries: number[], withSum = true): MetricData {
  const value = { buckets: { boundaries, counts }, count: counts.reduce((a, b) => a + b, 0) };
  return {
    descriptor: { name: 'ebpf.latency', description: 'Latency', unit: 's', valueType: ValueType.DOUBLE },
    dataPointType: DataPointType.HISTOGRAM,
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPoints: [
      {
        attributes: { device: 'sda', op: 'read' },
        startTime: START,
        endTime: END,
        value: withSum ? { ...value, sum: 1.25 } : value,
      },
    ],
  };
}

const scoped = (metrics: MetricData[], name = 'ebpf-meter'): ScopeMetrics => ({
  scope: { name, version: '1' },
  metrics,
});

/** What can be compared of a decoded request. */
function decodeExport(bytes: Uint8Array) {
  const { resource, scopes } = decode(bytes);
  return { resource, scopes };
}

/** Ours for all scopes but one called `sdk`. */
function ours(serializer: MetricsSerializer, metrics: ResourceMetrics) {
  return decodeExport(serializer.serializeRequest(metrics)!);
}

function newSerializer(): MetricsSerializer {
  return new MetricsSerializer(({ scope }) => scope.name !== 'sdk');
}

const wide = Array.from(
  { length: 40 },
  (_, index) => [`attribute.number.${index}`, `value ${index}`.repeat(8)] as const,
);
const cases: { name: string; metrics: MetricData[] }[] = [
  { name: 'whole numbers', metrics: [sum([0, 1, 255, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1, 2 ** 53, 2 ** 62])] },
  { name: 'negative whole numbers', metrics: [sum([-1, -(2 ** 32), -(2 ** 53), -(2 ** 63)])] },
  { name: 'other numbers', metrics: [sum([0.5, -0.1, 1e-300, 1e300, 2 ** 64], { int: false }), gauge(0), gauge(-7.5)] },
  { name: 'delta', metrics: [sum([5], { delta: true })] },
  { name: 'no attributes', metrics: [sum([5], { attributes: {} })] },
  { name: 'empty values', metrics: [sum([5], { attributes: { device: '', op: 'x' } })] },
  {
    name: 'text that is not ASCII',
    metrics: [sum([5], { attributes: { 'größe.µ': 'a🐝ü', op: 'plain', z: '\u{fffd}ff' } })],
  },
  {
    name: 'values around the lengths at which a length takes a byte more',
    metrics: [1, 99, 100, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 16_300, 16_383, 16_384, 70_000].map(
      (length) => sum([length], { attributes: { a: 'x'.repeat(length) } }),
    ),
  },
  { name: 'many attributes', metrics: [sum([1, 2, 3], { attributes: Object.fromEntries(wide) })] },
  {
    name: 'histograms',
    metrics: [histogram([1, 2, 2 ** 40, 0], [0.001, 0.002, 0.004]), histogram([3, 4], [1], false), histogram([9], [])],
  },
  {
    name: 'more points than the buffer has room for at first',
    metrics: [sum(Array.from({ length: 5000 }, (_, i) => i))],
  },
];

describe('MetricsSerializer', () => {
  for (const { name, metrics } of cases) {
    it(`encodes ${name} as the stock serializer does`, () => {
      const request = { resource, scopeMetrics: [scoped(metrics)] };
      const stock = decodeExport(ProtobufMetricsSerializer.serializeRequest(request)!);
      assert.deepEqual(ours(newSerializer(), request), stock);
    });
  }

  it('makes the same bytes again in a buffer that held something longer', () => {
    const serializer = newSerializer();
    const small = { resource, scopeMetrics: [scoped([sum([1, 2, 3])])] };
    const first = Buffer.from(serializer.serializeRequest(small)!);
    serializer.serializeRequest({ resource, scopeMetrics: [scoped([sum(Array.from({ length: 9999 }, () => 7))])] });
    assert.deepEqual(Buffer.from(serializer.serializeRequest(small)!), first);
  });

  it('sends what the SDK collected and what the maps gave in one request', () => {
    const request = {
      resource,
      scopeMetrics: [scoped([sum([1], { attributes: { n: 5, ok: true } })], 'sdk'), scoped([sum([2])])],
    };
    const { scopes, resource: decoded } = ours(newSerializer(), request);
    assert.deepEqual(
      scopes.map(({ name, metrics }) => [name, metrics[0]!.points[0]!.attributes, metrics[0]!.points[0]!.value]),
      [
        ['sdk', { n: 5, ok: true }, 1n],
        ['ebpf-meter', { device: 'sda' }, 2n],
      ],
    );
    assert.equal(decoded['service.name'], 'test');
  });

  it('sends several scopes and several metrics of each', () => {
    const request = {
      resource,
      scopeMetrics: [scoped([sum([1]), histogram([1, 2], [1])], 'a'), scoped([gauge(3), sum([4])], 'b')],
    };
    const stock = decodeExport(ProtobufMetricsSerializer.serializeRequest(request)!);
    assert.deepEqual(ours(newSerializer(), request), stock);
  });

  it('leaves a request without map-fed metrics to the stock serializer', () => {
    const request = { resource, scopeMetrics: [scoped([sum([1])], 'sdk')] };
    assert.deepEqual(
      Buffer.from(newSerializer().serializeRequest(request)!),
      Buffer.from(ProtobufMetricsSerializer.serializeRequest(request)!),
    );
  });
});
