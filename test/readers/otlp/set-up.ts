import type {
  OtlpGrpcConfig,
  OtlpHttpConfig,
  PeriodicReaderConfig,
} from '../../../src/config/exporter/configuration.ts';
import type { HistogramMetricPlan } from '../../../src/config/plan.ts';
import type { Clock } from '../../../src/metrics/clock.ts';
import { periodicKind } from '../../../src/readers/periodic.ts';
import { counter, FakeRows, FakeStore, gauge, ONE, tablePlan } from '../../helpers/fake-rows.ts';
import { type OtlpHttpServerOptions, startOtlpHttpServer } from '../../helpers/otlp-http-server.ts';
import { type OtlpServer, type ReceivedMetric, startOtlpServer } from '../../helpers/otlp-server.ts';
import { fakeContext, provide } from '../../helpers/reader-context.ts';

export const LATENCY: HistogramMetricPlan = {
  kind: 'histogram',
  name: 'ebpf.latency',
  help: 'Time from issue to completion',
  unit: 's',
  cell: 2,
  bounds: [0.001, 0.002],
  le: ['0.001', '0.002'],
  slots: 3,
  sum: { cell: 5, scale: { multiplier: 1, divisor: 1e3 } },
  powersOfTwo: true,
};

interface Protocol {
  readonly kind: 'otlp_grpc' | 'otlp_http';
  start(options?: OtlpHttpServerOptions): Promise<OtlpServer>;
  /** error.type where the server refuses, or does not answer. */
  readonly errorTypes: { readonly unavailable: string; readonly hang: string; readonly absent: string };
}

export const protocols: readonly Protocol[] = [
  {
    kind: 'otlp_grpc',
    start: startOtlpServer,
    errorTypes: { unavailable: 'UNAVAILABLE', hang: 'DEADLINE_EXCEEDED', absent: 'UNAVAILABLE' },
  },
  {
    kind: 'otlp_http',
    start: startOtlpHttpServer,
    errorTypes: { unavailable: '503', hang: 'ETIMEDOUT', absent: 'ECONNREFUSED' },
  },
];

export type OtlpOverrides = Partial<Omit<OtlpGrpcConfig, 'kind'>>;

export function otlpConfig(
  kind: Protocol['kind'],
  endpoint: string,
  overrides: OtlpOverrides = {},
  periodic: Partial<PeriodicReaderConfig> = {},
): PeriodicReaderConfig {
  const exporter: OtlpGrpcConfig | OtlpHttpConfig = {
    kind,
    endpoint,
    headers: {},
    compression: 'none',
    timeoutMs: 5000,
    temporality: 'cumulative',
    histogramAggregation: 'explicit_bucket_histogram',
    tls: { insecure: undefined, caFile: undefined, keyFile: undefined, certFile: undefined },
    ...overrides,
  };
  return { kind: 'periodic', intervalMs: 3_600_000, timeoutMs: 10_000, exporter, ...periodic };
}

/**
 * A reader over one table with a counter, a gauge and a histogram; it exports once an hour, or when it is told to. The time
 * of a reading is `store.time`, or that of the clock.
 */
export async function setUp(
  server: Pick<OtlpServer, 'kind' | 'url'>,
  overrides: OtlpOverrides = {},
  periodic: Partial<PeriodicReaderConfig> = {},
  clock?: Clock,
) {
  const metrics = [counter('ebpf.reads', 0), gauge('ebpf.depth', 1, { ...ONE, divisor: 1000 }), LATENCY];
  const rows = new FakeRows(tablePlan('block', 6, metrics));
  const store = new FakeStore(rows);
  store.time = 1_800_000_000;
  if (clock !== undefined) {
    store.isClocked = true;
    store.clock = clock;
  }
  const { context, lines, tallies } = fakeContext(store);
  const { reader } = await periodicKind.create(otlpConfig(server.kind, server.url, overrides, periodic), context);
  provide([reader], context.health);
  return { rows, store, reader, lines, tallies };
}

export function values(metric: Pick<ReceivedMetric, 'points'> | undefined) {
  return metric?.points.map(({ value }) => value) ?? [];
}

/** Of all exports: what the points of a delta metric add up to. */
export function totals(server: Pick<OtlpServer, 'accepted'>, name: string): number {
  const points = server.accepted.flatMap((received) => received.metric(name)?.points ?? []);
  return points.reduce((sum, { value, count }) => sum + Number(value ?? count), 0);
}
