import type { OTLPGRPCExporterConfigNode } from '@opentelemetry/otlp-grpc-exporter-base';
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { OtlpGrpcConfig } from '../config/exporter.ts';
import { MeterError } from '../errors.ts';
import { MapFedScope } from '../metrics/scope.ts';
import { readTlsFiles } from './tls-files.ts';

/** What a receiver rejected of an export that it took otherwise (ExportMetricsPartialSuccess of OTLP). */
export interface Rejected {
  /** 0 where the message is only a warning. */
  readonly points: number;
  readonly message: string;
}

/**
 * Makes the OTLP/gRPC exporter; `timeoutMs` is each export's deadline. `onAnswered` is called for each export that
 * went well, with what was rejected of it, or undefined.
 * Rejects with MeterError('reader') for a TLS file or header that can't be used.
 * gRPC is imported here, and only here, since it takes some 100 ms. The parts are those that OTLPMetricExporter of
 * @opentelemetry/exporter-metrics-otlp-grpc puts together, with a serializer of our own in place of the stock one.
 */
export async function createOtlpGrpcExporter(
  config: OtlpGrpcConfig,
  timeoutMs: number,
  onAnswered: (rejected: Rejected | undefined) => void,
): Promise<{ exporter: PushMetricExporter; describe: string }> {
  const credentials = await createCredentials(config);
  const metadata = await createMetadata(config);
  const { OTLPMetricExporterBase } = await import('@opentelemetry/exporter-metrics-otlp-http');
  const { convertLegacyOtlpGrpcOptions, createOtlpGrpcExportDelegate } = await import(
    '@opentelemetry/otlp-grpc-exporter-base'
  );
  const { MetricsExporterMetricsHelper } = await import('@opentelemetry/otlp-transformer');
  const { MetricsSerializer } = await import('./otlp/serializer.ts');
  // The names are those of the enum CompressionAlgorithm, whose package isn't a dependency of our own.
  const compression = config.compression as NonNullable<OTLPGRPCExporterConfigNode['compression']>;
  const options = withoutOtlpVariables(() =>
    convertLegacyOtlpGrpcOptions(
      { url: grpcTarget(config.endpoint), compression, timeoutMillis: timeoutMs, credentials, metadata },
      'METRICS',
    ),
  );
  const delegate = createOtlpGrpcExportDelegate(
    options,
    new MetricsSerializer(
      ({ scope }) => scope instanceof MapFedScope,
      ({ partialSuccess }) => onAnswered(partialSuccess && rejectedOf(partialSuccess)),
    ),
    'otlp_grpc_metric_exporter',
    MetricsExporterMetricsHelper,
    undefined,
    'MetricsExportService',
    '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  );
  const exporter = new OTLPMetricExporterBase(delegate);
  return { exporter, describe: `OTLP to ${config.endpoint}` };
}

function rejectedOf(answer: { rejectedDataPoints?: number; errorMessage?: string }): Rejected | undefined {
  const { rejectedDataPoints: points = 0, errorMessage: message = '' } = answer;
  return points === 0 && message === '' ? undefined : { points, message };
}

/**
 * HOST:PORT of an endpoint. The exporter takes its scheme for the credentials, which are given here, and with one it would
 * lose the scheme's own port: http://collector:80 would become gRPC's port 443.
 */
export function grpcTarget(endpoint: string): string {
  const { protocol, hostname, port } = new URL(endpoint);
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
}

async function createCredentials(config: OtlpGrpcConfig) {
  const { credentials } = await import('@grpc/grpc-js');
  if (isInsecure(config)) return credentials.createInsecure();
  const { ca, key, cert } = readTlsFiles(config.tls);
  return credentials.createSsl(ca, key, cert);
}

/** A scheme decides alone; `insecure` is for an endpoint without one (protocol/exporter.md of OpenTelemetry). */
function isInsecure(config: OtlpGrpcConfig): boolean {
  if (/^https:/i.test(config.endpoint)) return false;
  return /^http:/i.test(config.endpoint) || config.tls.insecure === true;
}

async function createMetadata(config: OtlpGrpcConfig) {
  const { Metadata } = await import('@grpc/grpc-js');
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(config.headers)) {
    try {
      metadata.set(name, value);
    } catch (cause) {
      // The value is left out of the message: it is often a secret.
      throw new MeterError('reader', `OTLP to ${config.endpoint}: header "${name}" can't be sent`, {
        cause,
        remedy: 'a name has letters, digits, "-", "_" and "."; a value is printable ASCII',
      });
    }
  }
  return metadata;
}

/**
 * Runs synchronous code with no OTEL_EXPORTER_OTLP_* variable set: the exporter would add their headers to those of the
 * configuration, which has taken the variables into account where they count, and they don't beside a file.
 */
function withoutOtlpVariables<Result>(make: () => Result): Result {
  const hidden = Object.entries(process.env).filter(([name]) => name.startsWith('OTEL_EXPORTER_OTLP_'));
  for (const [name] of hidden) delete process.env[name];
  try {
    return make();
  } finally {
    for (const [name, value] of hidden) process.env[name] = value;
  }
}
