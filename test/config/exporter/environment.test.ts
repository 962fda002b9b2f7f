import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  ExporterConfig,
  OtlpGrpcConfig,
  PeriodicReaderConfig,
} from '../../../src/config/exporter/configuration.ts';
import { defaultOtlp, prometheusWithoutFile } from '../../../src/config/exporter/defaults.ts';
import { readEnvironment } from '../../../src/config/exporter/environment.ts';
import { longestMs } from '../../../src/timer.ts';

const nothingReplaced = { prometheus: false, otlp: undefined };

function read(env: Record<string, string>) {
  return readEnvironment(env, nothingReplaced);
}

function config(env: Record<string, string>): ExporterConfig {
  const { config: made, errors } = read(env);
  assert.deepEqual(errors, []);
  return made;
}

const periodicDefaults = { kind: 'periodic', intervalMs: 60_000, timeoutMs: 30_000 };
const otlpReader = { ...periodicDefaults, exporter: defaultOtlp };
const { insecure: _insecure, ...httpTls } = defaultOtlp.tls;
const defaultHttp = { ...defaultOtlp, kind: 'otlp_http', endpoint: 'http://localhost:4318/v1/metrics', tls: httpTls };
const httpReader = { ...periodicDefaults, exporter: defaultHttp };
const consoleReader = { ...periodicDefaults, exporter: { kind: 'console', temporality: 'cumulative' } };

test('without any variable there is a Prometheus page on localhost:9435 without scope labels', () => {
  assert.deepEqual(config({ PATH: '/bin' }), {
    disabled: false,
    logLevel: undefined,
    namespace: 'ebpf',
    resourceAttributes: {},
    resourceSchemaUrl: undefined,
    readers: [
      {
        kind: 'prometheus',
        host: 'localhost',
        port: 9435,
        translation: 'underscore_escaping_with_suffixes',
        scopeInfo: false,
        targetInfo: true,
      },
    ],
    programs: { directories: undefined, only: undefined, overrides: new Map() },
    bpfStats: false,
    strict: false,
  });
});

const choices: readonly [env: Record<string, string>, readers: readonly object[]][] = [
  [{ OTEL_METRICS_EXPORTER: 'otlp' }, [httpReader]],
  [{ OTEL_METRICS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, [otlpReader]],
  [{ OTEL_METRICS_EXPORTER: 'prometheus' }, [prometheusWithoutFile]],
  [{ OTEL_METRICS_EXPORTER: 'console' }, [consoleReader]],
  [{ OTEL_METRICS_EXPORTER: 'none' }, []],
  [{ OTEL_METRICS_EXPORTER: 'Prometheus' }, [prometheusWithoutFile]],
  [{ OTEL_METRICS_EXPORTER: 'OTLP', OTEL_EXPORTER_OTLP_PROTOCOL: 'gRPC' }, [otlpReader]],
  [{ OTEL_METRICS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'HTTP/Protobuf' }, [httpReader]],
  [{ OTEL_METRICS_EXPORTER: ' otlp, prometheus,,otlp ' }, [httpReader, prometheusWithoutFile]],
  [{ OTEL_METRICS_EXPORTER: '' }, [prometheusWithoutFile]],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4317' }, [otlpReader]],
  [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://localhost:4317' }, [otlpReader]],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, [prometheusWithoutFile]],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4317', OTEL_METRICS_EXPORTER: 'prometheus' },
    [prometheusWithoutFile],
  ],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4317', OTEL_EXPORTER_PROMETHEUS_PORT: '1' },
    [otlpReader, { ...prometheusWithoutFile, port: 1 }],
  ],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4317', OTEL_EXPORTER_PROMETHEUS_HOST: '::' },
    [otlpReader, { ...prometheusWithoutFile, host: '::' }],
  ],
  [
    { OTEL_EXPORTER_PROMETHEUS_HOST: '0.0.0.0', OTEL_EXPORTER_PROMETHEUS_PORT: '9464' },
    [{ ...prometheusWithoutFile, host: '0.0.0.0', port: 9464 }],
  ],
  [{ OTEL_EXPORTER_PROMETHEUS_HOST: ' ', OTEL_EXPORTER_PROMETHEUS_PORT: '' }, [prometheusWithoutFile]],
];

for (const [env, readers] of choices) {
  test(`readers of ${JSON.stringify(env)}`, () => assert.deepEqual(config(env).readers, readers));
}

const { tls } = defaultOtlp;
const secure = { ...tls, insecure: false };
const settings: readonly [env: Record<string, string>, expected: Partial<OtlpGrpcConfig>][] = [
  [{ ENDPOINT: 'http://c:1' }, { endpoint: 'http://c:1' }],
  [
    { ENDPOINT: 'http://c:1', METRICS_ENDPOINT: 'https://d:2' },
    { endpoint: 'https://d:2', tls: secure },
  ],
  [{ ENDPOINT: 'http://c:1', METRICS_ENDPOINT: '' }, { endpoint: 'http://c:1' }],
  [{ ENDPOINT: 'c:1' }, { endpoint: 'https://c:1', tls: secure }],
  [{ ENDPOINT: 'c:1', INSECURE: 'TRUE' }, { endpoint: 'http://c:1' }],
  [
    { ENDPOINT: 'c:1', INSECURE: 'true', METRICS_INSECURE: 'false' },
    { endpoint: 'https://c:1', tls: secure },
  ],
  [{ PROTOCOL: 'grpc' }, {}],
  [{ PROTOCOL: 'http/protobuf', METRICS_PROTOCOL: 'grpc' }, {}],
  [{ HEADERS: 'a=1,B=x%20y,c=d==' }, { headers: { a: '1', b: 'x y', c: 'd==' } }],
  [{ HEADERS: 'a=1', METRICS_HEADERS: 'b=2' }, { headers: { b: '2' } }],
  [{ COMPRESSION: 'gzip' }, { compression: 'gzip' }],
  [{ COMPRESSION: 'gzip', METRICS_COMPRESSION: 'none' }, {}],
  [{ TIMEOUT: '5000' }, { timeoutMs: 5000 }],
  [{ TIMEOUT: '5000', METRICS_TIMEOUT: '6000' }, { timeoutMs: 6000 }],
  [{ TIMEOUT: '0' }, { timeoutMs: longestMs }],
  [{ CERTIFICATE: 'ca' }, { tls: { ...tls, caFile: 'ca' } }],
  [{ CERTIFICATE: 'ca', METRICS_CERTIFICATE: '/b' }, { tls: { ...tls, caFile: '/b' } }],
  [{ CLIENT_KEY: 'k', CLIENT_CERTIFICATE: 'c' }, { tls: { ...tls, keyFile: 'k', certFile: 'c' } }],
  [
    { CLIENT_KEY: 'k', CLIENT_CERTIFICATE: 'c', METRICS_CLIENT_KEY: 'l', METRICS_CLIENT_CERTIFICATE: 'd' },
    { tls: { ...tls, keyFile: 'l', certFile: 'd' } },
  ],
  [{ METRICS_TEMPORALITY_PREFERENCE: 'Delta' }, { temporality: 'delta' }],
  [{ METRICS_TEMPORALITY_PREFERENCE: 'lowmemory' }, { temporality: 'low_memory' }],
  [{ METRICS_TEMPORALITY_PREFERENCE: 'cumulative' }, {}],
  [{ METRICS_DEFAULT_HISTOGRAM_AGGREGATION: 'explicit_bucket_histogram' }, {}],
  [
    { METRICS_DEFAULT_HISTOGRAM_AGGREGATION: 'Base2_exponential_bucket_histogram' },
    { histogramAggregation: 'base2_exponential_bucket_histogram' },
  ],
];

const grpc = { OTEL_METRICS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };

for (const [env, expected] of settings) {
  test(`OTLP settings of ${JSON.stringify(env)}`, () => {
    const named = Object.fromEntries(Object.entries(env).map(([name, value]) => [`OTEL_EXPORTER_OTLP_${name}`, value]));
    const { readers } = config({ ...grpc, ...named });
    assert.deepEqual((readers[0] as PeriodicReaderConfig).exporter, { ...defaultOtlp, ...expected });
    assert.deepEqual(read({ ...grpc, ...named }).warnings, []);
  });
}

const overHttp: readonly [env: Record<string, string>, expected: object][] = [
  [{ ENDPOINT: 'http://c:4318' }, { endpoint: 'http://c:4318/v1/metrics' }],
  [{ ENDPOINT: 'https://c/base/' }, { endpoint: 'https://c/base/v1/metrics' }],
  [{ ENDPOINT: 'http://c:1' }, { endpoint: 'http://c:1/v1/metrics' }],
  [{ ENDPOINT: 'http://c:1', METRICS_ENDPOINT: 'https://d:2/x' }, { endpoint: 'https://d:2/x' }],
  [{ PROTOCOL: 'http/protobuf' }, {}],
  [{ PROTOCOL: 'grpc', METRICS_PROTOCOL: 'http/protobuf' }, {}],
  [
    { HEADERS: 'a=1', COMPRESSION: 'gzip', TIMEOUT: '5' },
    { headers: { a: '1' }, compression: 'gzip', timeoutMs: 5 },
  ],
  [
    { CERTIFICATE: 'ca', CLIENT_KEY: 'k', CLIENT_CERTIFICATE: 'c' },
    { tls: { caFile: 'ca', keyFile: 'k', certFile: 'c' } },
  ],
];

for (const [env, expected] of overHttp) {
  test(`OTLP over HTTP of ${JSON.stringify(env)}`, () => {
    const named = Object.fromEntries(Object.entries(env).map(([name, value]) => [`OTEL_EXPORTER_OTLP_${name}`, value]));
    const { readers } = config({ OTEL_METRICS_EXPORTER: 'otlp', ...named });
    assert.deepEqual((readers[0] as PeriodicReaderConfig).exporter, { ...defaultHttp, ...expected });
  });
}

for (const [url, endpoint] of [
  ['http://c:4317', 'http://c:4317'],
  ['http://c:1234', 'http://c:1234'],
  ['http://c:4318', 'http://c:4318/v1/metrics'],
  ['http://c:1234/v1/metrics', 'http://c:1234/v1/metrics'],
  ['http://c:4318/?key=a/b', 'http://c:4318/v1/metrics?key=a/b'],
] as const) {
  test(`--otlp ${url}`, () => {
    const { readers } = readEnvironment({}, { prometheus: true, otlp: url }).config;
    const exporter = (readers[0] as PeriodicReaderConfig).exporter as OtlpGrpcConfig;
    assert.deepEqual(
      [exporter.kind, exporter.endpoint],
      [endpoint === url && !url.includes('/v1') ? 'otlp_grpc' : 'otlp_http', endpoint],
    );
  });
}

for (const [text, detectors] of [
  ['all', ['host', 'os', 'process', 'container']],
  ['host, process,env,serviceinstance', ['host', 'process']],
  ['Host,OS', ['host', 'os']],
  ['none', undefined],
  ['', undefined],
] as const) {
  test(`OTEL_NODE_RESOURCE_DETECTORS=${text}`, () => {
    const detection = detectors && { detectors, attributes: {} };
    assert.deepEqual(config({ OTEL_NODE_RESOURCE_DETECTORS: text }).detection, detection);
  });
}

const intervals: readonly [env: Record<string, string>, intervalMs: number, timeoutMs: number][] = [
  [{ INTERVAL: '10000' }, 10_000, 30_000],
  [{ INTERVAL: '90000' }, 90_000, 30_000],
  [{ TIMEOUT: '5' }, 60_000, 5],
  [{ TIMEOUT: '0' }, 60_000, longestMs],
  [{ INTERVAL: '100', TIMEOUT: '200' }, 100, 200],
];

for (const [env, intervalMs, timeoutMs] of intervals) {
  test(`export every ${JSON.stringify(env)}`, () => {
    const named = Object.fromEntries(Object.entries(env).map(([name, value]) => [`OTEL_METRIC_EXPORT_${name}`, value]));
    const { readers } = config({ OTEL_METRICS_EXPORTER: 'console', ...named });
    assert.deepEqual(readers, [{ ...consoleReader, intervalMs, timeoutMs }]);
  });
}

test('the resource: the service has its own variable, values are percent-decoded', () => {
  const env = { OTEL_RESOURCE_ATTRIBUTES: 'service.name=a, host.name = b%2C%20c ,x=', OTEL_SERVICE_NAME: 'd' };
  assert.deepEqual(config(env).resourceAttributes, { 'service.name': 'd', 'host.name': 'b, c', x: '' });
  const { OTEL_SERVICE_NAME: _, ...others } = env;
  assert.deepEqual(config(others).resourceAttributes, { 'service.name': 'a', 'host.name': 'b, c', x: '' });
});

for (const [text, disabled] of [
  ['true', true],
  ['TRUE', true],
  ['false', false],
  ['', false],
  ['1', false],
] as const) {
  test(`OTEL_SDK_DISABLED=${text}`, () => assert.equal(config({ OTEL_SDK_DISABLED: text }).disabled, disabled));
}

for (const [text, level] of [
  ['DEBUG', 'debug'],
  ['warn', 'warn'],
  ['none', 'error'],
  ['all', 'debug'],
  ['', undefined],
] as const) {
  test(`OTEL_LOG_LEVEL=${text}`, () => assert.equal(config({ OTEL_LOG_LEVEL: text }).logLevel, level));
}

const warned: readonly [env: Record<string, string>, warnings: readonly string[]][] = [
  [
    { OTEL_EXPORTER_PROMETHEUS_PORT: 'abc' },
    ['OTEL_EXPORTER_PROMETHEUS_PORT: "abc" is no integer from 0 to 65535, 9435 is used'],
  ],
  [
    { OTEL_EXPORTER_PROMETHEUS_PORT: '65536' },
    ['OTEL_EXPORTER_PROMETHEUS_PORT: "65536" is no integer from 0 to 65535, 9435 is used'],
  ],
  [
    { OTEL_METRICS_EXPORTER: 'console', OTEL_METRIC_EXPORT_INTERVAL: '-1', OTEL_METRIC_EXPORT_TIMEOUT: '1e3' },
    [
      'OTEL_METRIC_EXPORT_INTERVAL: "-1" is no integer from 1 to 2147483647, 60000 is used',
      'OTEL_METRIC_EXPORT_TIMEOUT: "1e3" is no integer from 0 to 2147483647, 30000 is used',
    ],
  ],
  [
    { OTEL_METRICS_EXPORTER: 'console', OTEL_METRIC_EXPORT_INTERVAL: '0' },
    ['OTEL_METRIC_EXPORT_INTERVAL: "0" is no integer from 1 to 2147483647, 60000 is used'],
  ],
  [
    {
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '5s',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzipp',
    },
    [
      'OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: "5s" is no integer from 0 to 2147483647, 10000 is used',
      'OTEL_EXPORTER_OTLP_COMPRESSION: unknown value "gzipp", none is used, did you mean "gzip"?',
    ],
  ],
  [
    { OTEL_METRICS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'low_memory' },
    [
      'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: unknown value "low_memory", cumulative is used, did you mean "lowmemory"?',
    ],
  ],
  [
    { OTEL_NODE_RESOURCE_DETECTORS: 'hots' },
    ['OTEL_NODE_RESOURCE_DETECTORS: unknown detector "hots", did you mean "host"?'],
  ],
  [
    { OTEL_METRICS_EXEMPLAR_FILTER: 'always_on' },
    ['OTEL_METRICS_EXEMPLAR_FILTER: metrics from BPF maps have no exemplars'],
  ],
  [
    { OTEL_ENTITIES: 'service{service.name=a}' },
    ["OTEL_ENTITIES isn't supported by this version and does nothing; use OTEL_RESOURCE_ATTRIBUTES"],
  ],
  [
    { OTEL_EXPERIMENTAL_CONFIG_FILE: '/etc/otel.yaml' },
    ['OTEL_EXPERIMENTAL_CONFIG_FILE does nothing; the file is named by OTEL_CONFIG_FILE or --config'],
  ],
  [{ OTEL_ENTITIES: '', OTEL_EXPERIMENTAL_CONFIG_FILE: '' }, []],
  [{ OTEL_SDK_DISABLED: 'yes' }, ['OTEL_SDK_DISABLED: "yes" is neither true nor false, false is used']],
  [{ OTEL_LOG_LEVEL: 'debu' }, ['OTEL_LOG_LEVEL: unknown value "debu", info is used, did you mean "debug"?']],
  [
    { OTEL_RESOURCE_ATTRIBUTES: 'a=1,__name__=b' },
    [
      `OTEL_RESOURCE_ATTRIBUTES: attribute "__name__" is on no Prometheus page, where names that begin with "__" are Prometheus's own`,
    ],
  ],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'a=1,b' }, ['OTEL_RESOURCE_ATTRIBUTES: entry 2 has no "="; all of it is ignored']],
  [
    { OTEL_RESOURCE_ATTRIBUTES: 'a=%' },
    [
      'OTEL_RESOURCE_ATTRIBUTES: entry 1 has a "%" that isn\'t followed by two hexadecimal digits; all of it is ignored',
    ],
  ],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    ['OTEL_EXPORTER_OTLP_ENDPOINT: "http://c" has no port, so 80 is used; Collectors listen on 4317'],
  ],
];

test('a wrong value for metrics leaves the one for all signals', () => {
  const env = { TIMEOUT: '2000', METRICS_TIMEOUT: '5s', COMPRESSION: 'gzip', METRICS_COMPRESSION: 'zip' };
  const named = Object.fromEntries(Object.entries(env).map(([name, value]) => [`OTEL_EXPORTER_OTLP_${name}`, value]));
  const { config: made, warnings } = read({ OTEL_METRICS_EXPORTER: 'otlp', ...named });
  const { timeoutMs, compression } = (made.readers[0] as PeriodicReaderConfig).exporter as OtlpGrpcConfig;
  assert.deepEqual({ timeoutMs, compression }, { timeoutMs: 2000, compression: 'gzip' });
  assert.deepEqual(warnings, [
    'OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: "5s" is no integer from 0 to 2147483647, 2000 is used',
    'OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: unknown value "zip", gzip is used, did you mean "gzip"?',
  ]);
});

for (const [env, warnings] of warned) {
  test(`warned of: ${JSON.stringify(env)}`, () => assert.deepEqual(read(env), { ...read(env), errors: [], warnings }));
}

test('a resource that is half wrong is ignored whole', () => {
  assert.deepEqual(config({ OTEL_RESOURCE_ATTRIBUTES: 'a=1,b' }).resourceAttributes, {});
});

const wrong: readonly [env: Record<string, string>, errors: readonly string[]][] = [
  [{ OTEL_METRICS_EXPORTER: 'otpl' }, ['OTEL_METRICS_EXPORTER: unknown exporter "otpl", did you mean "otlp"?']],
  [
    { OTEL_METRICS_EXPORTER: 'zipkin,otlp/stdout' },
    [
      'OTEL_METRICS_EXPORTER: unknown exporter "zipkin"; known: otlp, prometheus, console, none',
      'OTEL_METRICS_EXPORTER: "otlp/stdout" isn\'t supported by this version; use console, which prints OTLP/JSON too',
    ],
  ],
  [
    { OTEL_METRICS_EXPORTER: 'logging' },
    ['OTEL_METRICS_EXPORTER: "logging" isn\'t supported by this version; use console'],
  ],
  [
    { OTEL_METRICS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/json' },
    ['OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/json" isn\'t supported by this version; use grpc or http/protobuf'],
  ],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://c:4318/?key=s3cr3t', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' },
    [
      'OTEL_EXPORTER_OTLP_ENDPOINT: "ftp://c:4318/v1/metrics?…" is no http or https URL: write it as http://HOST:4318/v1/metrics',
    ],
  ],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'unix:///x' },
    [
      'OTEL_EXPORTER_OTLP_ENDPOINT: "unix:///x" is no http or https URL: write it as http://HOST:4317 or https://HOST:4317',
    ],
  ],
  [
    { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://u:s3cr3t@c' },
    ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: user and password of a URL are not sent: put them into a header'],
  ],
  [
    { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://u:s3cr3t@c', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: gRPC sends no user and password from the URL: put them into a header'],
  ],
  [
    { OTEL_METRICS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_CLIENT_KEY: 'k' },
    ["OTEL_EXPORTER_OTLP_CLIENT_KEY: the client's key and certificate are only of use together"],
  ],
  [
    { OTEL_METRICS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_HEADERS: 'a=1,s3cr3t' },
    ['OTEL_EXPORTER_OTLP_HEADERS must be KEY=VALUE,KEY=VALUE: entry 2 has no "="'],
  ],
  [
    { OTEL_METRICS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_HEADERS: 'a=s3cr3t%' },
    [
      'OTEL_EXPORTER_OTLP_HEADERS must be KEY=VALUE,KEY=VALUE: entry 1 has a "%" that isn\'t followed by two hexadecimal digits',
    ],
  ],
  [
    { OTEL_METRICS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'a=s3cr3t%0A,b c=1' },
    [
      'OTEL_EXPORTER_OTLP_METRICS_HEADERS: the value of "a" has characters that a header can\'t have (only printable ASCII)',
      'OTEL_EXPORTER_OTLP_METRICS_HEADERS: the name of a header has something else than letters, digits, "_", "-" and "."; NAME=VALUE is meant',
    ],
  ],
];

for (const [env, errors] of wrong) {
  test(`rejected: ${JSON.stringify(env)}`, () => assert.deepEqual(read(env).errors, errors));
}

test('variables of readers that are not chosen are not looked at', () => {
  const env = {
    OTEL_METRICS_EXPORTER: 'prometheus',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_METRIC_EXPORT_INTERVAL: 'x',
  };
  assert.deepEqual(read(env), { config: config({}), errors: [], warnings: [] });
});
