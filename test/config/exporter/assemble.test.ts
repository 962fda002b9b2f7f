// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's references to variables are written so
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Options } from '../../../src/cli/options.ts';
import { overlayOf } from '../../../src/cli/overlay.ts';
import { exporterConfig } from '../../../src/config/exporter/assemble.ts';
import { defaultOtlp, defaultPeriodic, prometheusWithoutFile } from '../../../src/config/exporter/defaults.ts';
import type { Environment } from '../../../src/config/exporter/substitute.ts';
import { ConfigError } from '../../../src/config/yaml/diagnostic.ts';
import { MeterError } from '../../../src/errors.ts';
import { otlp, prometheus, withReaders } from './read.ts';

let folder: string;
let file: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ebpf-meter-config-'));
  file = join(folder, 'otel.yaml');
});

after(() => rm(folder, { recursive: true }));

const readText = (path: string): Promise<string> => readFile(path, 'utf8');

async function made(text: string, env: Environment = {}, options: Partial<Options> = {}) {
  await writeFile(file, text);
  return exporterConfig({ configFile: file, env, overlay: overlayOf(options), readFile: readText });
}

async function unread(env: Environment, options: Partial<Options> = {}) {
  return exporterConfig({ env, overlay: overlayOf(options), readFile: () => assert.fail('no file is to be read') });
}

/** The errors of a file, as LINE:COLUMN message. */
async function errorsOf(text: string, env: Environment = {}, options: Partial<Options> = {}): Promise<string[]> {
  try {
    await made(text, env, options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.diagnostics.map(({ line, column, message }) => `${line}:${column} ${message}`);
  }
  return [];
}

const page = prometheus('port: 1');
const pageReader = { ...prometheusWithoutFile, port: 1, scopeInfo: true };
const push = withReaders(
  '- periodic: {interval: 5, exporter: {otlp_grpc: {headers: [{name: a, value: b}]}}}',
  '- periodic: {exporter: {console: }}',
);
const consoleReader = { ...defaultPeriodic, exporter: { kind: 'console', temporality: 'cumulative' } };

test('the file of --config wins over OTEL_CONFIG_FILE, and other variables do not act on it', async () => {
  const env = {
    OTEL_CONFIG_FILE: '/nowhere',
    OTEL_METRICS_EXPORTER: 'otlp',
    OTEL_SERVICE_NAME: 'x',
    OTEL_SDK_DISABLED: 'true',
  };
  const { config } = await made(page, env);
  assert.deepEqual(config.readers, [pageReader]);
  assert.deepEqual([config.resourceAttributes, config.disabled], [{}, false]);
});

test('OTEL_CONFIG_FILE names the file', async () => {
  await writeFile(file, page);
  const { config } = await exporterConfig({ env: { OTEL_CONFIG_FILE: file }, readFile: readText });
  assert.deepEqual(config.readers, [pageReader]);
});

test('an empty OTEL_CONFIG_FILE counts as unset', async () => {
  assert.deepEqual((await unread({ OTEL_CONFIG_FILE: '' })).config.readers, [prometheusWithoutFile]);
});

test('variables act on a file by references, for the gate too', async () => {
  const text = `${page}resource:\n  attributes:\n    - name: \${NAME}\n      value: \${VALUE}\n`;
  const { config } = await made(text, { NAME: 'a', VALUE: '1.0' });
  assert.deepEqual(config.resourceAttributes, { a: '1.0' });
});

test('a file that is not there', async () => {
  await assert.rejects(exporterConfig({ configFile: '/nowhere/x.yaml', env: {}, readFile: readText }), {
    name: 'MeterError',
    code: 'config',
    message: '/nowhere/x.yaml: no such file',
  });
});

test('all errors of a file come at once, with their positions', async () => {
  await writeFile(file, `${prometheus('prot: 1')}tracer_provider: {}\n`);
  const wrong = exporterConfig({ configFile: file, env: {}, readFile: readText });
  await assert.rejects(wrong, (error: ConfigError) => {
    assert.equal(error.code, 'config');
    assert.equal(error.message, `2 errors, the first: ${file}:7:13: unknown key "prot", did you mean "port"?`);
    assert.match(error.detail ?? '', /:8:1: "tracer_provider" isn't supported by this version; no traces are exported/);
    return true;
  });
});

const noReader =
  'no reader: under meter_provider.readers add {pull: {exporter: {prometheus/development: }}} or {periodic: {exporter: {otlp_grpc: }}}';

for (const [text, place] of [
  ['file_format: "1.1"\n', '1:1'],
  ['file_format: "1.1"\nmeter_provider:\n', '2:16'],
  ['file_format: "1.1"\nmeter_provider: {}\n', '2:17'],
  ['file_format: "1.1"\nmeter_provider: {readers: []}\n', '2:27'],
  ['file_format: "1.1"\nmeter_provider:\n  readers:\n', '3:11'],
] as const) {
  test(`no readers in ${JSON.stringify(text)}`, async () => {
    assert.deepEqual(await errorsOf(text), [`${place} ${noReader}`]);
    const { config } = await made(text, {}, { prometheus: '5' });
    assert.deepEqual(config.readers, [{ ...prometheusWithoutFile, port: 5 }]);
    const pushed = await made(text, {}, { otlp: 'http://c:1' });
    assert.deepEqual(pushed.config.readers, [
      { ...defaultPeriodic, exporter: { ...defaultOtlp, endpoint: 'http://c:1' } },
    ]);
    const disabled = await made(`${text}disabled: true\n`);
    assert.deepEqual([disabled.config.disabled, disabled.config.readers], [true, []]);
  });
}

test('--prometheus moves the file’s page to another address', async () => {
  const { config } = await made(page, {}, { prometheus: '[::1]:7' });
  assert.deepEqual(config.readers, [{ ...pageReader, host: '::1', port: 7 }]);
});

test('--otlp takes the place of the file’s OTLP readers and gets none of their headers', async () => {
  const { config } = await made(push, {}, { otlp: 'https://other:1' });
  const exporter = { ...defaultOtlp, endpoint: 'https://other:1', tls: { ...defaultOtlp.tls, insecure: false } };
  assert.deepEqual(config.readers, [consoleReader, { ...defaultPeriodic, exporter }]);
});

test('--otlp takes the place of the variables’ endpoint and keeps the rest', async () => {
  const env = {
    OTEL_METRICS_EXPORTER: 'console,otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'not: a url',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=1',
    OTEL_METRIC_EXPORT_INTERVAL: '7',
  };
  const { config } = await unread(env, { otlp: 'http://c:1' });
  const times = { intervalMs: 7 };
  assert.deepEqual(config.readers, [
    { ...consoleReader, ...times },
    { ...defaultPeriodic, ...times, exporter: { ...defaultOtlp, endpoint: 'http://c:1', headers: { a: '1' } } },
  ]);
});

test('--otlp alone leaves the page on, --prometheus off takes it away', async () => {
  const pushed = { ...defaultPeriodic, exporter: { ...defaultOtlp, endpoint: 'http://c:1' } };
  const both = await unread({}, { otlp: 'http://c:1' });
  assert.deepEqual(both.config.readers, [prometheusWithoutFile, pushed]);
  const one = await unread({}, { otlp: 'http://c:1', prometheus: 'off' });
  assert.deepEqual(one.config.readers, [pushed]);
});

test('--prometheus wins over the variables, wrong ones too', async () => {
  const { config, warnings } = await unread({ OTEL_EXPORTER_PROMETHEUS_PORT: 'x' }, { prometheus: '8' });
  assert.deepEqual([config.readers, warnings], [[{ ...prometheusWithoutFile, port: 8 }], []]);
});

test('the other options win over the file', async () => {
  const text = `${page}distribution:\n  ebpf_meter:\n    {namespace: a, strict: false, directories: [d], only: [x], programs: {x: {enabled: true}}}\n`;
  const { config } = await made(text);
  assert.equal(config.namespace, 'a');
  assert.deepEqual(config.programs.directories, [join(folder, 'd')]);
  const over = await made(text, {}, { namespace: '', strict: true, programs: ['p'], only: ['y,z'] });
  assert.deepEqual([over.config.namespace, over.config.strict], ['', true]);
  const { directories, only, overrides } = over.config.programs;
  assert.deepEqual([directories, only, [...overrides.keys()]], [['p'], ['y', 'z'], ['x']]);
  const places = (of: typeof config) => [...(of.programs.places?.keys() ?? [])];
  assert.deepEqual([places(config), places(over.config)], [['only.x', 'programs.x'], ['programs.x']]);
});

test('no reader is left', async () => {
  const cases: [Promise<unknown>, string, string][] = [
    [unread({}, { prometheus: 'off' }), 'usage', '--prometheus off: no reader is left'],
    [unread({ OTEL_METRICS_EXPORTER: 'none' }), 'config', 'OTEL_METRICS_EXPORTER=none: no reader is left'],
    [made(page, {}, { prometheus: 'off' }), 'usage', `${file}: no reader is left`],
  ];
  for (const [wrong, code, message] of cases) {
    await assert.rejects(wrong, { code, message, remedy: 'Ask for one with --prometheus HOST:PORT or --otlp URL.' });
  }
  assert.equal((await unread({ OTEL_METRICS_EXPORTER: 'none', OTEL_SDK_DISABLED: 'true' })).config.disabled, true);
});

test('wrong options are told before a file is read', async () => {
  await assert.rejects(unread({ OTEL_CONFIG_FILE: '/x' }, { prometheus: 'x', only: [''] }), (error: MeterError) => {
    assert.ok(error instanceof MeterError);
    assert.equal(error.code, 'usage');
    assert.match(error.message, /^2 errors, the first: --only: no program is named/);
    assert.match(error.detail ?? '', /\n--prometheus: "x" is no address/);
    return true;
  });
});

test('errors of the environment', async () => {
  await assert.rejects(unread({ OTEL_METRICS_EXPORTER: 'x' }), {
    code: 'config',
    message: 'OTEL_METRICS_EXPORTER: unknown exporter "x"; known: otlp, prometheus, console, none',
  });
});

test('warnings are one line each', async () => {
  const { warnings } = await made(`${otlp('endpoint: http://c')}something: 1\n`, {}, {});
  assert.deepEqual(warnings, [
    `${file}:7:23: "endpoint": "http://c" has no port, so 80 is used; Collectors listen on 4317`,
    `${file}:8:1: unknown key "something", nothing is done with it`,
  ]);
  const option = await made(page, {}, { otlp: 'http://c' });
  assert.deepEqual(option.warnings, ['--otlp: "http://c" has no port, so 80 is used; Collectors listen on 4317']);
});

const schema = "(OpenTelemetry's configuration schema)";
const gated: readonly [text: string, expected: readonly string[]][] = [
  [`${page}resource: {attributes: []}\n`, [`8:24 "attributes" must NOT have fewer than 1 items ${schema}`]],
  [`${page}propagator: {composite: [{tracecontext: 1}]}\n`, [`8:41 "tracecontext" must be object,null ${schema}`]],
  [`${page}propagator: {composit: []}\n`, [`8:13 "propagator" must NOT have additional properties ${schema}`]],
  [`${page}distribution: {"a/b~c": 1}\n`, [`8:25 "a/b~c" must be object ${schema}`]],
  [
    `${page}instrumentation/development: {general: {http: {client: {known_methods: [GET, 1]}}}}\n`,
    [`8:78 item 2 of "known_methods" must be string ${schema}`],
  ],
];

for (const [text, expected] of gated) {
  test(`the gate refuses ${text.split('\n').at(-2)}`, async () => assert.deepEqual(await errorsOf(text), expected));
}

for (const lines of [
  'distribution:',
  'distribution: {ebpf_meter: }',
  'resource:',
  'resource: {attributes: }',
  'propagator:',
]) {
  test(`a section without a value is nothing: ${lines}`, async () => {
    assert.deepEqual((await made(`${page}${lines}\n`)).config.readers, [pageReader]);
  });
}

test('the gate prints nothing, not even what a variable holds', async (t) => {
  const emitted = t.mock.method(process, 'emitWarning', () => {});
  const { env, emitWarning } = process;
  await made(`${page}x-token: \${TOKEN}\n`, { TOKEN: '!s3cr3t x' });
  assert.equal(emitted.mock.callCount(), 0);
  assert.ok(process.env === env && process.emitWarning === emitWarning);
  await errorsOf(`${page}resource: {attributes: []}\n`);
  assert.ok(process.env === env && process.emitWarning === emitWarning);
});

test('a file that can be read once is not read again', async () => {
  const readOnce = async (): Promise<string> => page;
  const { config } = await exporterConfig({ configFile: '/dev/fd/63', env: {}, readFile: readOnce });
  assert.deepEqual(config.readers, [pageReader]);
});

test('config/ebpf-meter.yaml is valid, says the defaults, and what it comments out is valid too', async () => {
  const example = await readText(join(import.meta.dirname, '../../../config/ebpf-meter.yaml'));
  const { config, warnings } = await made(example);
  assert.deepEqual({ config, warnings }, await unread({}));
  // What is said starts with a capital, what may be uncommented doesn't.
  const uncommented = example.replaceAll(/^( *)# (?=[ a-z-])/gm, '$1');
  const all = await made(uncommented, { COLLECTOR_TOKEN: 't', EBPF_METER_PORT: '7' });
  assert.deepEqual(all.warnings, []);
  assert.deepEqual(all.config.readers[0], { ...prometheusWithoutFile, port: 7 });
  const exporter = { ...defaultOtlp, compression: 'gzip', headers: { authorization: 'Bearer t' } };
  assert.deepEqual(all.config.readers[1], { ...defaultPeriodic, exporter });
  const { places, ...programs } = all.config.programs;
  assert.equal(places?.get('only.sched')?.excerpt.trim(), 'only: [block, sched]');
  assert.deepEqual(programs, {
    directories: ['/etc/ebpf-meter/programs'],
    shipped: true,
    only: ['block', 'sched'],
    overrides: new Map([
      ['syscall', { enabled: true, metrics: undefined, constants: new Map(), ways: new Map() }],
      ['block', { enabled: undefined, metrics: ['block.io.latency'], constants: new Map(), ways: new Map() }],
      [
        'sched',
        {
          enabled: undefined,
          metrics: undefined,
          constants: new Map([['only_tgid', 4711]]),
          ways: new Map([['runqueue_latency', 'approximate']]),
        },
      ],
      ['xdp', { enabled: true, metrics: undefined, constants: new Map(), ways: new Map(), interfaces: ['eth0'] }],
    ]),
  });
});

test('--web.config.file, and what the file says of all Prometheus readers, hold for each of them', async () => {
  const text = `${page}distribution: {ebpf_meter: {prometheus: {web_config_file: a.yml, gzip_level: 3}}}\n`;
  const fromFile = { webConfigFile: join(folder, 'a.yml'), gzipLevel: 3 };
  assert.deepEqual((await made(text)).config.readers, [{ ...pageReader, ...fromFile }]);
  const options = { webConfigFile: 'b.yml', prometheus: '9', telemetryPath: '/m' };
  const replaced = { ...pageReader, port: 9, webConfigFile: 'b.yml', gzipLevel: 3, path: '/m' };
  assert.deepEqual((await made(text, {}, options)).config.readers, [replaced]);
});
