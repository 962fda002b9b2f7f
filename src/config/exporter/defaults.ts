import { longestMs } from '../../timer.ts';
import type { OtlpGrpcConfig, PeriodicReaderConfig, PrometheusReaderConfig } from './configuration.ts';
import { defaultEndpoint } from './grpc.ts';

export const defaultNamespace = 'ebpf';

/** Without a file. The file's own defaults are those of OpenTelemetry's schema: port 9464, with scope labels. */
export const prometheusWithoutFile: PrometheusReaderConfig = {
  kind: 'prometheus',
  host: 'localhost',
  port: 9435,
  translation: 'underscore_escaping_with_suffixes',
  scopeInfo: false,
  targetInfo: true,
};

export const defaultIntervalMs = 60_000;
export const defaultTimeoutMs = 30_000;

/** The defaults of OpenTelemetry's schema and specification alike. */
export const defaultOtlp: OtlpGrpcConfig = {
  kind: 'otlp_grpc',
  endpoint: defaultEndpoint,
  headers: {},
  compression: 'none',
  timeoutMs: 10_000,
  temporality: 'cumulative',
  histogramAggregation: 'explicit_bucket_histogram',
  tls: { insecure: true, caFile: undefined, keyFile: undefined, certFile: undefined },
};

export const defaultPeriodic: PeriodicReaderConfig = {
  kind: 'periodic',
  intervalMs: defaultIntervalMs,
  timeoutMs: defaultTimeoutMs,
  exporter: defaultOtlp,
};

/** What a timer can do with a timeout in ms, of which 0 means that there is none. */
export function effectiveTimeout(timeoutMs: number): number {
  return timeoutMs === 0 ? longestMs : timeoutMs;
}
