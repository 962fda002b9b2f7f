import assert from 'node:assert/strict';
import { overlayOf } from '../../../src/cli/overlay.ts';
import { exporterConfig } from '../../../src/config/exporter/assemble.ts';
import { MeterError } from '../../../src/errors.ts';
import type { Attempt } from '../attempt.ts';
import type { StartTarget } from '../target.ts';

const names = [
  ...['OTEL_SDK_DISABLED', 'OTEL_LOG_LEVEL', 'OTEL_RESOURCE_ATTRIBUTES', 'OTEL_SERVICE_NAME', 'OTEL_METRICS_EXPORTER'],
  ...['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', 'OTEL_EXPORTER_OTLP_PROTOCOL'],
  ...['OTEL_EXPORTER_OTLP_COMPRESSION', 'OTEL_EXPORTER_OTLP_TIMEOUT', 'OTEL_METRIC_EXPORT_INTERVAL'],
  ...['OTEL_METRIC_EXPORT_TIMEOUT', 'OTEL_EXPORTER_PROMETHEUS_HOST', 'OTEL_EXPORTER_PROMETHEUS_PORT'],
  ...['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE', 'OTEL_NODE_RESOURCE_DETECTORS', 'OTEL_ENTITIES'],
  ...['OTEL_EXPORTER_OTLP_INSECURE', 'OTEL_EXPORTER_OTLP_CERTIFICATE', 'OTEL_METRICS_EXEMPLAR_FILTER'],
];
const pieces = [
  ...[
    'otlp',
    'prometheus',
    'console',
    'none',
    ',',
    '=',
    'a',
    'http://',
    'https://',
    'collector',
    ':',
    '4317',
    '/',
    '?',
    '%',
  ],
  ...[
    '%zz',
    '%20',
    'grpc',
    'http/protobuf',
    'http/json',
    'gzip',
    '-1',
    '0',
    '60000',
    '99999999999',
    '1e3',
    ' ',
    'true',
  ],
  ...['[::1]', '@', 'delta', 'cumulative', 'all', 'host', 'é', '"', '__proto__'],
];
const headers = [
  'authorization=Bearer%20s3cr3t',
  'a=1,b=s3cr3t',
  'a:s3cr3t',
  's3cr3t',
  'a=s3cr3t%zz',
  'é=s3cr3t',
  'a=s3cr3t,,=',
  'a b=s3cr3t',
];
const endpoints = [
  'http://u:s3cr3t@collector:4317',
  'ftp://u:s3cr3t@collector',
  'http://collector?key=s3cr3t',
  'u:s3cr3t@a b',
];

function variables(attempt: Attempt): Record<string, string> {
  const env: Record<string, string> = {};
  for (let count = attempt.below(8); count > 0; count--) env[attempt.pick(names)] = attempt.text(pieces, 6);
  if (attempt.onceIn(2)) env.OTEL_EXPORTER_OTLP_HEADERS = `${attempt.pick(headers)},${attempt.pick(headers)}`;
  if (attempt.onceIn(4)) env.OTEL_EXPORTER_OTLP_ENDPOINT = attempt.pick(endpoints);
  if (attempt.onceIn(2)) env.OTEL_METRICS_EXPORTER = attempt.pick(['otlp', 'otlp,prometheus', 'console']);
  return env;
}

/** OpenTelemetry's variables and the command line's options: a configuration, or an error in words without a secret. */
export const start: StartTarget = () => ({
  async attempt(attempt) {
    const env = variables(attempt);
    const given = (name: string) => (attempt.onceIn(6) ? { [name]: attempt.text(pieces, 5) } : {});
    const options = {
      ...given('prometheus'),
      ...given('otlp'),
      ...given('namespace'),
      ...given('telemetryPath'),
      ...(attempt.onceIn(6) ? { only: [attempt.text(pieces, 5)] } : {}),
    };
    attempt.input = JSON.stringify({ env, options });
    try {
      const overlay = overlayOf(options);
      const { warnings } = await exporterConfig({ env, overlay, readFile: () => assert.fail('there is no file') });
      assert.doesNotMatch(warnings.join('\n'), /s3cr3t|undefined|\[object/);
      return 'taken';
    } catch (error) {
      assert.ok(error instanceof MeterError && (error.code === 'config' || error.code === 'usage'), `${error}`);
      assert.doesNotMatch(`${error.message} ${error.detail} ${error.remedy}`, /s3cr3t|\[object/);
      return 'refused';
    }
  },
});
