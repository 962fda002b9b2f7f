import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allOptions, type Options } from '../../src/cli/options.ts';
import { checkOptions, overlayOf } from '../../src/cli/overlay.ts';
import type { ExporterConfig } from '../../src/config/exporter/configuration.ts';
import { prometheusWithoutFile } from '../../src/config/exporter/defaults.ts';
import { readEnvironment } from '../../src/config/exporter/environment.ts';

const addresses: readonly [text: string, host: string, port: number][] = [
  ['localhost:9435', 'localhost', 9435],
  ['0.0.0.0:80', '0.0.0.0', 80],
  ['host-1.example.org:1', 'host-1.example.org', 1],
  ['[::1]:9435', '::1', 9435],
  ['[::]:9435', '::', 9435],
  ['[fe80::1%eth0]:9435', 'fe80::1%eth0', 9435],
  [':9435', '', 9435],
  ['9435', 'localhost', 9435],
  ['0', 'localhost', 0],
  [' 9435 ', 'localhost', 9435],
  ['localhost:65535', 'localhost', 65535],
];

for (const [text, host, port] of addresses) {
  test(`--prometheus ${text}`, () => {
    const { options, errors } = checkOptions({ prometheus: text });
    assert.deepEqual(errors, []);
    assert.deepEqual(options.prometheus, { ...prometheusWithoutFile, host, port });
  });
}

test('--prometheus off', () => assert.equal(checkOptions({ prometheus: 'off' }).options.prometheus, 'off'));

const notAddresses = [
  '',
  'localhost',
  '::1',
  '::1:9435',
  'localhost:',
  'localhost:x',
  ':65536',
  '70000',
  'a b:1',
  'http://localhost:9435',
  '[::1]',
  'a:-1',
  'on',
  '[zz]9435',
];

for (const text of notAddresses) {
  test(`--prometheus ${JSON.stringify(text)} is no address`, () => {
    const cause = `${JSON.stringify(text)} is no address; write HOST:PORT, [IPV6]:PORT, :PORT, PORT or off`;
    assert.deepEqual(checkOptions({ prometheus: text }).errors, [`--prometheus: ${cause}`]);
  });
}

const none = Object.fromEntries(allOptions.map(([key]) => [key, undefined]));

const given: readonly [options: Partial<Options>, expected: object][] = [
  [{}, {}],
  [{ otlp: 'http://c:1' }, { otlp: 'http://c:1' }],
  [{ namespace: '' }, { namespace: '' }],
  [{ namespace: 'a.b' }, { namespace: 'a.b' }],
  [{ programs: ['a', 'b'] }, { programs: ['a', 'b'] }],
  [{ programs: [] }, {}],
  [{ shipped: false }, { shipped: false }],
  [{ only: ['a, b,,a'] }, { only: ['a', 'b'] }],
  [{ only: ['a,b', 'c'] }, { only: ['a', 'b', 'c'] }],
  [{ strict: true }, { strict: true }],
  [{ btfPath: 'a.btf' }, { btfPath: 'a.btf' }],
  [{ keepCapabilities: 'all' }, { keepCapabilities: 'all' }],
  [{ keepCapabilities: 'needed' }, { keepCapabilities: 'needed' }],
  [{ keepCapabilities: 'None' }, { keepCapabilities: [] }],
  [{ keepCapabilities: 'cap_bpf, SYSLOG' }, { keepCapabilities: ['CAP_BPF', 'CAP_SYSLOG'] }],
];

for (const [options, expected] of given) {
  test(`options ${JSON.stringify(options)}`, () => {
    assert.deepEqual(checkOptions(options), { options: { ...none, ...expected }, errors: [] });
  });
}

test('all wrong options are told', () => {
  const options = {
    prometheus: 'x',
    otlp: 'ftp://x',
    namespace: '1',
    programs: ['a', ''],
    only: [' , '],
    btfPath: ' ',
  };
  assert.deepEqual(checkOptions(options).errors, [
    '--programs: the folder has no name',
    '--only: no program is named; write --only NAME,NAME',
    '--btf.path: the file has no name',
    '--prometheus: "x" is no address; write HOST:PORT, [IPV6]:PORT, :PORT, PORT or off',
    '--otlp: "ftp://x" is no http or https URL: write it as http://HOST:4317 or https://HOST:4317',
    '--namespace: "1" must start with a letter and have only letters, digits, "_", ".", "-" and "/", at most 100',
  ]);
});

for (const [path, isPath] of [
  ['/metrics', true],
  ['/', false],
  ['/-/ready', false],
  ['metrics', false],
  ['', false],
  ['/a?b', false],
  ['/a b', false],
  ['/<script>', false],
  ['/probe/metrics.txt', true],
] as const) {
  test(`--web.telemetry-path ${path} is ${isPath ? 'taken' : 'refused'}`, () => {
    const { options, errors } = checkOptions({ telemetryPath: path });
    assert.equal(options.telemetryPath, isPath ? path : undefined);
    assert.equal(errors.length, isPath ? 0 : 1);
    if (!isPath)
      assert.match(errors[0]!, /^--web\.telemetry-path: ".*" can't be the path of the metrics; write one such as /);
  });
}

const base = readEnvironment({}, { prometheus: false, otlp: undefined }).config;
const placed: readonly [options: Partial<Options>, changed: Partial<ExporterConfig>][] = [
  [{ programs: ['a'] }, { programs: { ...base.programs, directories: ['a'] } }],
  [{ programs: [] }, {}],
  [{ shipped: false }, { programs: { ...base.programs, shipped: false } }],
  [{ only: ['a,b'] }, { programs: { ...base.programs, only: ['a', 'b'] } }],
  [{ strict: true }, { strict: true }],
  [{ btfPath: 'a.btf' }, { btfPath: 'a.btf' }],
  [{ keepCapabilities: 'syslog' }, { keepCapabilities: ['CAP_SYSLOG'] }],
  [{ prometheus: '7' }, { readers: [{ ...prometheusWithoutFile, port: 7 }] }],
  [{ prometheus: 'off' }, { readers: [] }],
  [{ telemetryPath: '/m' }, { prometheus: { path: '/m' } }],
  [{ webConfigFile: 'w.yml', telemetryPath: '/m' }, { prometheus: { webConfigFile: 'w.yml', path: '/m' } }],
  [{ namespace: 'n' }, { namespace: 'n' }],
  [{ logLevel: 'debug' }, { logLevel: 'debug' }],
];

for (const [options, changed] of placed) {
  test(`${JSON.stringify(options)} has its place in the configuration, and nothing else is changed`, () => {
    assert.deepEqual(overlayOf(options).over(base), { ...base, ...changed });
  });
}

test('every option with a place in the configuration is seen to get there', () => {
  const seen = new Set(placed.flatMap(([options]) => Object.keys(options)));
  assert.deepEqual(
    allOptions.flatMap(([key, { place }]) => (place === undefined || seen.has(key) ? [] : [key])),
    [],
  );
});
