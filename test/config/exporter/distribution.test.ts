// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's references to variables are written so
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { config, problems } from './read.ts';

function file(...lines: string[]): string {
  const own = lines.map((line) => `    ${line}`);
  return ['file_format: "1.1"', 'distribution:', '  ebpf_meter:', ...own, ''].join('\n');
}

test('every setting', () => {
  const text = file(
    'namespace: kernel.bpf',
    'strict: true',
    'bpf_stats: true',
    'btf_path: types.btf',
    'keep_capabilities: [CAP_SYSLOG, bpf]',
    'compatible_metrics: true',
    'directories: [programs, ../more, /etc/programs]',
    'shipped: false',
    'only: [block, sched]',
    'programs:',
    '  syscall: {enabled: true, ways: {calls: own_stamp, other: 6.10}, interfaces: [eth0, br-lan.7]}',
    '  block:',
    '    metrics: [block.io.latency]',
    '    constants: {min_us: 100, big: 0xffffffffffffffff, less: -5, flag: true, "off": false}',
    '  tcp:',
  );
  const { namespace, strict, bpfStats, programs } = config(text, {}, '/etc/meter/otel.yaml');
  assert.deepEqual({ namespace, strict, bpfStats }, { namespace: 'kernel.bpf', strict: true, bpfStats: true });
  const { btfPath, compatibleMetrics, keepCapabilities } = config(text, {}, '/etc/meter/otel.yaml');
  assert.deepEqual(
    { btfPath, compatibleMetrics, keepCapabilities },
    { btfPath: '/etc/meter/types.btf', compatibleMetrics: true, keepCapabilities: ['CAP_SYSLOG', 'CAP_BPF'] },
  );
  assert.deepEqual(programs.directories, ['/etc/meter/programs', '/etc/more', '/etc/programs']);
  assert.equal(programs.shipped, false);
  assert.deepEqual(programs.only, ['block', 'sched']);
  const constants = new Map<string, number | bigint>([
    ['min_us', 100],
    ['big', 0xffffffffffffffffn],
    ['less', -5],
    ['flag', 1],
    ['off', 0],
  ]);
  const ways = new Map([
    ['calls', 'own_stamp'],
    ['other', '6.10'],
  ]);
  assert.deepEqual(
    programs.overrides,
    new Map([
      ['syscall', { enabled: true, metrics: undefined, constants: new Map(), ways, interfaces: ['eth0', 'br-lan.7'] }],
      ['block', { enabled: undefined, metrics: ['block.io.latency'], constants, ways: new Map() }],
      ['tcp', { enabled: undefined, metrics: undefined, constants: new Map(), ways: new Map() }],
    ]),
  );
});

test('what only the programs can confirm has its place', () => {
  const text = file(
    'only: [a, b]',
    'programs:',
    '  c: {metrics: [m.n], constants: {x: 1}}',
    '  d: {ways: {e: f}, interfaces: [g]}',
  );
  const places = [...(config(text).programs.places ?? [])];
  assert.deepEqual(
    places.map(([name, { line, column }]) => `${name} ${line}:${column}`),
    [
      'only.a 4:12',
      'only.b 4:15',
      'programs.c 6:7',
      'programs.c.metrics.m.n 6:21',
      'programs.c.constants.x 6:39',
      'programs.d 7:7',
      'programs.d.ways.e 7:18',
      'programs.d.ways.e.f 7:21',
      'programs.d.interfaces 7:37',
    ],
  );
});

test('relative folders start at the file, also where its path is relative', () => {
  const text = file('directories: [a, ./b, ../c]');
  assert.deepEqual(config(text, {}, 'otel.yaml').programs.directories, ['a', 'b', '../c']);
  assert.deepEqual(config(text, {}, 'x/otel.yaml').programs.directories, ['x/a', 'x/b', 'c']);
});

test('settings without a value are the defaults', () => {
  const keys = ['namespace', 'strict', 'bpf_stats', 'directories', 'shipped', 'only', 'programs'];
  assert.deepEqual(config(file(...keys.map((key) => `${key}:`))), config('file_format: "1.1"\n'));
  assert.deepEqual(config(file()), config('file_format: "1.1"\n'));
});

test('a namespace may be nothing', () => assert.equal(config(file('namespace: ""')).namespace, ''));

test('variables keep 64 bits', () => {
  const text = file('programs:', '  a:', '    constants:', '      x: ${X}');
  const { programs } = config(text, { X: '18446744073709551615' });
  assert.equal(programs.overrides.get('a')?.constants.get('x'), 18446744073709551615n);
});

const rejected: readonly [line: string, expected: string][] = [
  ['namespac: a', '4:5 unknown key "namespac", did you mean "namespace"?'],
  [
    'namespace: 1a',
    '4:16 "namespace": "1a" must start with a letter and have only letters, digits, "_", ".", "-" and "/", at most 100',
  ],
  [
    'namespace: a b',
    '4:16 "namespace": "a b" must start with a letter and have only letters, digits, "_", ".", "-" and "/", at most 100',
  ],
  ['namespace: 1', '4:16 "namespace" must be a string, not "1"'],
  ['strict: maybe', '4:13 "strict" must be true or false, not "maybe"'],
  ['bpf_stats: 1', '4:16 "bpf_stats" must be true or false, not "1"'],
  ['directories: a', '4:18 "directories" must be a list, not "a"'],
  ['directories: [""]', '4:19 item 1 of "directories" is empty'],
  ['only: []', '4:11 "only" is an empty list; leave it out'],
  ['only: [1]', '4:12 item 1 of "only" must be a string, not "1"'],
  ['programs: [a]', '4:15 "programs" must be a map, not a list'],
  ['programs: {a: true}', '4:19 "a" must be a map, not "true"'],
  ['programs: {a: {enable: true}}', '4:20 unknown key "enable", did you mean "enabled"?'],
  ['programs: {a: {enabled: 1}}', '4:29 "enabled" must be true or false, not "1"'],
  ['programs: {a: {metrics: []}}', '4:29 "metrics" is an empty list; leave it out'],
  ['programs: {a: {metrics: all}}', '4:29 "metrics" must be a list, not "all"'],
  ['programs: {a: {constants: [x]}}', '4:31 "constants" must be a map, not a list'],
  ['programs: {a: {constants: {x: y}}}', '4:35 "x" must be an integer, not "y"'],
  ['programs: {a: {constants: {x: 1.5}}}', '4:35 "x" must be an integer, not "1.5"'],
  ['programs: {a: {constants: {x: }}}', '4:35 "x" must be an integer, and has no value'],
  ['programs: {a: {ways: [x]}}', '4:26 "ways" must be a map, not a list'],
  ['programs: {a: {ways: {x: }}}', '4:30 "x" must be a text, and has no value'],
  ['programs: {a: {ways: {x: [y]}}}', '4:30 "x" must be a text, not a list'],
  ['programs: {a: {interfaces: eth0}}', '4:32 "interfaces" must be a list, not "eth0"'],
  ['programs: {a: {interfaces: [eth0, eth 1]}}', '4:39 "eth 1" is no name of a network interface'],
  ['programs: {a: {interfaces: [..]}}', '4:33 ".." is no name of a network interface'],
  ['programs: {a: {interfaces: [abcdefghijklmnop]}}', '4:33 "abcdefghijklmnop" is no name of a network interface'],
  ['programs: {a: {interfaces: [eth0, eth0]}}', '4:39 "eth0" is there twice'],
];

for (const [line, expected] of rejected) {
  test(`rejected: ${line}`, () => assert.deepEqual(problems(file(line)), [expected]));
}

test('a slip in ebpf_meter is told from another vendor', () => {
  const text = 'file_format: "1.1"\ndistribution: {ebpf-meter: {strict: true}, ebpf_metre: {}, other: {}}\n';
  assert.deepEqual(problems(text), [
    '2:16 unknown key "ebpf-meter", did you mean "ebpf_meter"?',
    '2:44 unknown key "ebpf_metre", did you mean "ebpf_meter"?',
  ]);
});

test('what all Prometheus readers have', () => {
  const text = file(
    'prometheus: {web_config_file: web.yml, gzip_level: 6, max_scrapes: 7, authenticate_probes: true, path: /m, formats: [text, protobuf]}',
  );
  const some = {
    webConfigFile: '/etc/meter/web.yml',
    gzipLevel: 6,
    maxScrapes: 7,
    authenticateProbes: true,
    path: '/m',
  };
  const settings = { ...some, formats: ['text', 'protobuf'] };
  assert.deepEqual(config(text, {}, '/etc/meter/otel.yaml').prometheus, settings);
  assert.deepEqual(problems(file('prometheus: {gzip_level: 0, max_scrapes: 0, web_config: a}')), [
    '4:30 "gzip_level" must be an integer from 1 to 9, not "0"',
    '4:46 "max_scrapes" must be an integer from 1 to 10000, not "0"',
    '4:49 unknown key "web_config"; known: web_config_file, gzip_level, max_scrapes, authenticate_probes, path, formats',
  ]);
  assert.deepEqual(problems(file('prometheus: {formats: [openmetric]}')), [
    '4:27 "formats" has no "text", which is what everybody else gets',
    '4:28 item 1 of "formats": unknown value "openmetric", did you mean "openmetrics"?',
  ]);
});
