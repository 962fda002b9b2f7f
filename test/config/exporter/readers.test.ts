// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's references to variables are written so
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  OtlpGrpcConfig,
  OtlpHttpConfig,
  PeriodicReaderConfig,
} from '../../../src/config/exporter/configuration.ts';
import { defaultOtlp } from '../../../src/config/exporter/defaults.ts';
import { longestMs } from '../../../src/timer.ts';
import { config, onlyReader, otlp, problems, prometheus, withReaders } from './read.ts';

const schemaDefaults = {
  kind: 'prometheus',
  host: 'localhost',
  port: 9464,
  translation: 'underscore_escaping_with_suffixes',
  scopeInfo: true,
  targetInfo: true,
};

const pages: readonly [line: string, expected: object][] = [
  ['host: 0.0.0.0', { host: '0.0.0.0' }],
  ['host: "::"', { host: '::' }],
  ['host:', {}],
  ['port: 9435', { port: 9435 }],
  ['port: 0', { port: 0 }],
  ['port: ~', {}],
  ['scope_info_enabled: false', { scopeInfo: false }],
  ['target_info_enabled/development: false', { targetInfo: false }],
  ['translation_strategy: underscore_escaping_with_suffixes', {}],
  [
    'translation_strategy: underscore_escaping_without_suffixes/development',
    { translation: 'underscore_escaping_without_suffixes' },
  ],
  [
    'translation_strategy: no_utf8_escaping_with_suffixes/development',
    { translation: 'no_utf8_escaping_with_suffixes' },
  ],
  ['translation_strategy: no_translation/development', { translation: 'no_translation' }],
];

for (const [line, expected] of pages) {
  test(`prometheus: ${line}`, () => assert.deepEqual(onlyReader(prometheus(line)), { ...schemaDefaults, ...expected }));
}

test('an exporter with nothing behind it has the defaults of the schema', () => {
  assert.deepEqual(onlyReader(prometheus()), schemaDefaults);
  assert.deepEqual(onlyReader(otlp()), {
    kind: 'periodic',
    intervalMs: 60_000,
    timeoutMs: 30_000,
    exporter: defaultOtlp,
  });
});

const periodics: readonly [line: string, expected: object][] = [
  ['interval: 10000', { intervalMs: 10_000, timeoutMs: 30_000 }],
  ['interval: 90000', { intervalMs: 90_000, timeoutMs: 30_000 }],
  ['timeout: 5000', { intervalMs: 60_000, timeoutMs: 5000 }],
  ['timeout: 0', { intervalMs: 60_000, timeoutMs: longestMs }],
  ['max_export_batch_size/development: 500', { intervalMs: 60_000, timeoutMs: 30_000, maxExportBatchSize: 500 }],
  ['timeout: 90000', { intervalMs: 60_000, timeoutMs: 90_000 }],
  ['interval:', { intervalMs: 60_000, timeoutMs: 30_000 }],
];

for (const [line, expected] of periodics) {
  test(`periodic: ${line}`, () => {
    const text = withReaders('- periodic:', `    ${line}`, '    exporter:', '      console:');
    const console = { kind: 'console', temporality: 'cumulative' };
    assert.deepEqual(onlyReader(text), { kind: 'periodic', ...expected, exporter: console });
    assert.deepEqual(problems(text), []);
  });
}

const tls = defaultOtlp.tls;
const pushes: readonly [line: string, expected: object][] = [
  ['endpoint: http://collector:4317', { endpoint: 'http://collector:4317' }],
  ['endpoint: https://collector:4317', { endpoint: 'https://collector:4317', tls: { ...tls, insecure: false } }],
  ['endpoint: collector:4317', { endpoint: 'https://collector:4317', tls: { ...tls, insecure: false } }],
  ['{endpoint: "collector:4317", tls: {insecure: true}}', { endpoint: 'http://collector:4317' }],
  [
    '{endpoint: "https://c:4317", tls: {insecure: true}}',
    { endpoint: 'https://c:4317', tls: { ...tls, insecure: false } },
  ],
  [
    '{endpoint: "https://c:1", tls: {ca_file: /ca, key_file: k.pem, cert_file: ../c.pem}}',
    { endpoint: 'https://c:1', tls: { insecure: false, caFile: '/ca', keyFile: 'conf/k.pem', certFile: 'c.pem' } },
  ],
  ['tls:', {}],
  ['compression: gzip', { compression: 'gzip' }],
  ['compression: none', {}],
  ['timeout: 250', { timeoutMs: 250 }],
  ['timeout: 0', { timeoutMs: longestMs }],
  ['temporality_preference: cumulative', {}],
  ['temporality_preference: delta', { temporality: 'delta' }],
  ['temporality_preference: low_memory', { temporality: 'low_memory' }],
  ['default_histogram_aggregation: explicit_bucket_histogram', {}],
  [
    'default_histogram_aggregation: base2_exponential_bucket_histogram',
    { histogramAggregation: 'base2_exponential_bucket_histogram' },
  ],
  ['headers: [{name: X-Tenant, value: a}, {name: empty, value: }]', { headers: { 'x-tenant': 'a' } }],
  ['headers_list: "a=1, B = x%20y%3D=,,c="', { headers: { a: '1', b: 'x y==', c: '' } }],
  ['{headers_list: "a=1,b=2", headers: [{name: A, value: "3"}]}', { headers: { a: '3', b: '2' } }],
];

const defaultHttp = {
  ...defaultOtlp,
  kind: 'otlp_http',
  endpoint: 'http://localhost:4318/v1/metrics',
  tls: { caFile: undefined, keyFile: undefined, certFile: undefined },
};

const posts: readonly [line: string, expected: object][] = [
  ['', {}],
  ['{endpoint: "https://collector:4318/v1/metrics"}', { endpoint: 'https://collector:4318/v1/metrics' }],
  ['{endpoint: "http://gateway/otlp?tenant=a"}', { endpoint: 'http://gateway/otlp?tenant=a' }],
  ['{tls: {ca_file: ca.pem}, encoding: protobuf}', { tls: { ...defaultHttp.tls, caFile: 'conf/ca.pem' } }],
  [
    '{compression: gzip, timeout: 0, temporality_preference: delta, headers: [{name: A, value: b}]}',
    { compression: 'gzip', timeoutMs: longestMs, temporality: 'delta', headers: { a: 'b' } },
  ],
];

for (const [line, expected] of posts) {
  test(`otlp_http: ${line}`, () => {
    const text = withReaders('- periodic:', '    exporter:', `      otlp_http: ${line}`);
    const { exporter } = onlyReader(text) as PeriodicReaderConfig;
    assert.deepEqual(exporter, { ...defaultHttp, ...expected });
  });
}

test('otlp_http: an endpoint is used as it is, which is said where that is probably not meant', () => {
  const text = withReaders('- periodic: {exporter: {otlp_http: {endpoint: "http://collector:4317"}}}');
  assert.equal((onlyReader(text) as { exporter: OtlpHttpConfig }).exporter.endpoint, 'http://collector:4317/');
  assert.deepEqual(problems(text), [
    '4:51 "endpoint": "http://collector:4317" has no path and is used as it is; receivers listen on /v1/metrics by custom',
    '4:51 "endpoint": Collectors listen for gRPC on 4317, for HTTP on 4318',
  ]);
});

for (const [line, expected] of pushes) {
  test(`otlp_grpc: ${line}`, () => {
    const { exporter } = onlyReader(otlp(line)) as { exporter: OtlpGrpcConfig };
    assert.deepEqual(exporter, { ...defaultOtlp, ...expected });
    assert.deepEqual(problems(otlp(line)), []);
  });
}

test('console has a temporality too', () => {
  const text = withReaders('- periodic: {exporter: {console: {temporality_preference: delta}}}');
  assert.deepEqual((onlyReader(text) as PeriodicReaderConfig).exporter, { kind: 'console', temporality: 'delta' });
});

test('several readers keep their order', () => {
  const text = withReaders('- periodic: {exporter: {console: }}', '- pull: {exporter: {prometheus/development: }}');
  assert.deepEqual(
    config(text).readers.map(({ kind }) => kind),
    ['periodic', 'prometheus'],
  );
});

const unsupported = "isn't supported by this version;";
const rejected: readonly [what: string, text: string, expected: readonly string[]][] = [
  [
    'exemplars',
    `${prometheus()}  exemplar_filter: always_on\n`,
    [`7:20 "always_on" ${unsupported.replace(';', ':')} metrics from BPF maps have no exemplars; use always_off`],
  ],
  [
    'an unknown filter',
    `${prometheus()}  exemplar_filter: never\n`,
    ['7:20 "exemplar_filter": unknown value "never"; known: always_on, always_off, trace_based'],
  ],
  [
    'otlp_http with JSON',
    withReaders('- periodic: {exporter: {otlp_http: {encoding: json}}}'),
    [`4:51 "json" ${unsupported} use protobuf, which every receiver of OTLP takes`],
  ],
  [
    'otlp_http without a scheme',
    withReaders('- periodic: {exporter: {otlp_http: {endpoint: "localhost:4318"}}}'),
    ['4:51 "endpoint": "localhost:4318" is no http or https URL: write it as http://HOST:4318/v1/metrics'],
  ],
  [
    'otlp_http with a password',
    withReaders('- periodic: {exporter: {otlp_http: {endpoint: "http://a:b@c/v1/metrics"}}}'),
    ['4:51 "endpoint": user and password of a URL are not sent: put them into a header'],
  ],
  [
    'otlp_http with half a client certificate',
    withReaders('- periodic: {exporter: {otlp_http: {tls: {key_file: k.pem}}}}'),
    ['4:46 "key_file" and "cert_file" are only of use together'],
  ],
  [
    'batches of nothing',
    withReaders('- periodic: {exporter: {console: }, max_export_batch_size/development: 0}'),
    ['4:76 "max_export_batch_size/development" must be an integer from 1 to 2147483647, not "0"'],
  ],
  [
    'otlp_file',
    withReaders('- periodic: {exporter: {otlp_file/development: }}'),
    [`4:29 "otlp_file/development" ${unsupported} use otlp_grpc, otlp_http or console`],
  ],
  [
    'an unknown exporter',
    withReaders('- periodic: {exporter: {oltp_grpc: }}'),
    ['4:29 unknown key "oltp_grpc", did you mean "otlp_grpc"?'],
  ],
  [
    'the old name of prometheus',
    withReaders('- pull: {exporter: {prometheus: }}'),
    ['4:25 unknown key "prometheus"; known: prometheus/development'],
  ],
  [
    'producers and limits',
    withReaders(
      '- pull: {exporter: {prometheus/development: }, producers: [], cardinality_limits: {gauges: 1}}',
      '- periodic: {exporter: {console: }, producers: [], cardinality_limits: {default: 0}}',
    ),
    [
      `4:52 "producers" ${unsupported} the programs under distribution.ebpf_meter are the only producer`,
      '4:88 unknown key "gauges", did you mean "gauge"?',
      `5:41 "producers" ${unsupported} the programs under distribution.ebpf_meter are the only producer`,
      '5:86 "default" must be an integer from 1 to 2147483647, not "0"',
    ],
  ],
  [
    'constant labels, old name',
    prometheus('with_resource_constant_labels: {}'),
    [`7:13 "with_resource_constant_labels" ${unsupported} use resource_constant_labels`],
  ],
  [
    'without_scope_info',
    prometheus('without_scope_info: true'),
    [`7:13 "without_scope_info" ${unsupported} use scope_info_enabled: false`],
  ],
  [
    'without_target_info',
    prometheus('without_target_info: true'),
    [`7:13 "without_target_info" ${unsupported} use target_info_enabled/development: false`],
  ],
  [
    'without_units',
    prometheus('without_units: true'),
    [`7:13 "without_units" ${unsupported} use translation_strategy: underscore_escaping_without_suffixes/development`],
  ],
  [
    'without_type_suffix',
    prometheus('without_type_suffix: true'),
    [
      `7:13 "without_type_suffix" ${unsupported} use translation_strategy: underscore_escaping_without_suffixes/development`,
    ],
  ],
  [
    'a base-2 default of the console',
    withReaders(
      '- periodic: {exporter: {console: {default_histogram_aggregation: base2_exponential_bucket_histogram}}}',
    ),
    ['4:70 "base2_exponential_bucket_histogram" isn\'t supported for the console; use explicit_bucket_histogram'],
  ],
  [
    'an unknown strategy',
    prometheus('translation_strategy: no_translation'),
    [
      '7:35 "translation_strategy": unknown value "no_translation"; known: underscore_escaping_with_suffixes, underscore_escaping_without_suffixes/development, no_utf8_escaping_with_suffixes/development, no_translation/development',
    ],
  ],
  ['ports', prometheus('port: 65536'), ['7:19 "port" must be an integer from 0 to 65535, not "65536"']],
  ['a port that is a text', prometheus('port: "9435"'), ['7:19 "port" must be an integer from 0 to 65535, not "9435"']],
  ['a host that is a number', prometheus('host: 1'), ['7:19 "host" must be a string, not "1"']],
  [
    'a flag that is a word',
    prometheus('scope_info_enabled: yes'),
    ['7:33 "scope_info_enabled" must be true or false, not "yes"'],
  ],
  ['no kind of reader', withReaders('- {}'), ['4:7 item 1 of "readers" must have one of pull, periodic']],
  ['an empty reader', withReaders('-'), ['4:6 item 1 of "readers" must have one of pull, periodic']],
  [
    'two kinds at once',
    withReaders('- {pull: {exporter: {prometheus/development: }}, periodic: }'),
    ['4:54 "periodic" beside "pull": item 1 of "readers" takes one of them'],
  ],
  [
    'no exporter',
    withReaders('- pull: {}', '- periodic:'),
    ['4:13 "pull" has no "exporter"', '5:16 "periodic" has no "exporter"'],
  ],
  [
    'an empty exporter',
    withReaders('- pull: {exporter: }', '- periodic: {exporter: {}}'),
    ['4:24 "exporter" has no value', '5:28 "exporter" must have one of otlp_grpc, otlp_http, console'],
  ],
  [
    'readers that are a map',
    'file_format: "1.1"\nmeter_provider: {readers: {pull: }}\n',
    ['2:27 "readers" must be a list, not a map'],
  ],
  [
    'an interval of 0',
    withReaders('- periodic: {interval: 0, exporter: {console: }}'),
    ['4:28 "interval" must be an integer from 1 to 2147483647, not "0"'],
  ],
  ['a negative timeout', otlp('timeout: -1'), ['7:22 "timeout" must be an integer from 0 to 2147483647, not "-1"']],
  ['compression', otlp('compression: zstd'), ['7:26 "compression": unknown value "zstd"; known: gzip, none']],
  [
    'a temporality',
    otlp('temporality_preference: lowmemory'),
    ['7:37 "temporality_preference": unknown value "lowmemory", did you mean "low_memory"?'],
  ],
  [
    'half a key pair',
    otlp('{endpoint: "https://c:1", tls: {key_file: k}}'),
    ['7:44 "key_file" and "cert_file" are only of use together'],
  ],
  [
    'a scheme',
    otlp('endpoint: unix:///run/otel.sock'),
    [
      '7:23 "endpoint": "unix:///run/otel.sock" is no http or https URL: write it as http://HOST:4317 or https://HOST:4317',
    ],
  ],
  [
    'no URL',
    otlp('endpoint: "http://a b"'),
    ['7:23 "endpoint": "http://a b" is no URL: write it as http://HOST:4317 or https://HOST:4317'],
  ],
  [
    'two pages at one address',
    withReaders(
      '- pull: {exporter: {prometheus/development: }}',
      '- pull: {exporter: {prometheus/development: {port: 9464}}}',
    ),
    ['5:7 item 2 of "readers" listens on the same host and port as one before'],
  ],
];

for (const [what, text, expected] of rejected) {
  test(`rejected: ${what}`, () => assert.deepEqual(problems(text), expected));
}

for (const filter of ['always_off', 'trace_based']) {
  test(`the exemplar filter ${filter} changes nothing`, () => {
    assert.deepEqual(problems(`${prometheus()}  exemplar_filter: ${filter}\n`), []);
  });
}

test('what an endpoint is likely not to mean is warned of', () => {
  assert.deepEqual(problems(otlp('endpoint: http://collector/v1/metrics')), [
    '7:23 "endpoint": "http://collector/v1/metrics" has no port, so 80 is used; Collectors listen on 4317',
    '7:23 "endpoint": gRPC uses nothing behind the port of "http://collector:80"',
  ]);
  assert.deepEqual(problems(otlp('endpoint: https://collector:443')), []);
  assert.deepEqual(problems(otlp('tls: {ca_file: /ca}')), [
    '7:18 "tls" names files, but the endpoint is http: nothing is encrypted',
  ]);
});
