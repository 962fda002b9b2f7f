import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Ended, runMeter } from '../helpers/process.ts';
import { programFolder } from '../helpers/program-folder.ts';

const page = ['--prometheus', '127.0.0.1:0'];

function assertRefused({ status, stdout, stderr }: Ended, expected: { status: number; stderr: string | RegExp }): void {
  if (typeof expected.stderr === 'string') assert.equal(stderr, expected.stderr);
  else assert.match(stderr, expected.stderr);
  assert.equal(status, expected.status);
  assert.equal(stdout, '');
  assert.doesNotMatch(stderr, /^\s+at /m, 'a stack trace');
}

describe('a program whose description is wrong', () => {
  it('is told with all errors of all files, each with its line and a ^', async () => {
    using folder = programFolder({
      one: {
        object: 'native-style',
        yaml: `maps:
  io: {cache: io_cache}
metrics:
  counters:
    - {name: absent, help: x, map: nowhere}
    - {name: calls, help: x, labels: [{name: kind, size: 2, decoders: [{name: uint}]}]}
    - {name: io.requests, help: x, map: io, field: reqests}
  histograms:
    - {name: sized, help: x, map: io, field: requests}
`,
      },
      two: { object: 'native-style', yaml: 'metrics:\n  gauges:\n    - {name: level, help: y, untt: By}\n' },
    });
    const ended = await runMeter(['--no-shipped', '--programs', folder.path, ...page]);
    const at = (name: string) => join(folder.path, name);
    assertRefused(ended, {
      status: 1,
      stderr: `ebpf-meter: ${at('one.yaml')}:5:36: no BPF map or global variable "nowhere" in ${at('one.bpf.o')}; known: io, io_cache, io_lost, calls, level, table, events
        - {name: absent, help: x, map: nowhere}
                                       ^
${at('one.yaml')}:6:46: the labels cover 2 bytes, but the key of map "calls" has 4 (u32)
        - {name: calls, help: x, labels: [{name: kind, size: 2, decoders: [{name: uint}]}]}
                                                 ^
${at('one.yaml')}:7:52: the value of map "io": struct io_value has no member "reqests", did you mean "requests"?
        - {name: io.requests, help: x, map: io, field: reqests}
                                                       ^
${at('one.yaml')}:9:46: "requests" is u64, which is no histogram
        - {name: sized, help: x, map: io, field: requests}
                                                 ^
${at('two.yaml')}:3:30: unknown key "untt", did you mean "unit"?
        - {name: level, help: y, untt: By}
                                 ^
`,
    });
  });

  it('is refused, with --strict, where two programs have the same metric', async () => {
    const yaml = 'metrics:\n  gauges:\n    - {name: level, help: x}\n';
    using folder = programFolder({
      one: { object: 'native-style', yaml },
      two: { object: 'native-style', yaml },
    });
    const ended = await runMeter(['--strict', '--no-shipped', '--programs', folder.path, ...page]);
    assertRefused(ended, {
      status: 1,
      stderr:
        / ERROR \S+two\.yaml:3:14: metric "ebpf\.level" is there already, in \S+one\.yaml:3, and levels can't be added up; it is left out here\n/,
    });
  });

  for (const [what, yaml, message] of [
    ['no YAML', 'metrics: {counters: [', /:1:\d+: /],
    ['no map', '- metrics\n', /:1:1: /],
    ['empty', '', /:1:1: /],
  ] as const) {
    it(`is refused with its place: ${what}`, async () => {
      using folder = programFolder({ wrong: { object: 'native-style', yaml } });
      const ended = await runMeter(['--no-shipped', '--programs', folder.path, ...page]);
      assertRefused(ended, {
        status: 1,
        stderr: new RegExp(`^ebpf-meter: ${folder.path}/wrong\\.yaml${message.source}`),
      });
    });
  }

  it('is refused without its object', async () => {
    using folder = programFolder({});
    const yaml = folder.file('half.yaml', 'metrics: {}\n');
    const ended = await runMeter(['--no-shipped', '--programs', folder.path, ...page]);
    assertRefused(ended, {
      status: 1,
      stderr: `ebpf-meter: ${yaml}: its object ${folder.path}/half.bpf.o is missing\nCompile it, or remove the YAML\n`,
    });
  });
});

describe('a configuration that is wrong', () => {
  for (const [what, text, stderr] of [
    [
      'an exporter that is not there',
      `file_format: "1.1"
meter_provider:
  readers:
    - periodic: {exporter: {otlp_file/development: {output_stream: stdout}}}
`,
      /^ebpf-meter: \S+:4:29: "otlp_file\/development" isn't supported by this version; use otlp_grpc, .*\n.*\n {32}\^\n$/,
    ],
    ['a broken file', 'file_format: "1.1\nmeter', /^ebpf-meter: \S+:2:\d+: Missing closing/],
    ['no such version', 'file_format: "9.9"\n', /^ebpf-meter: \S+:1:14: .*"9\.9"/],
    [
      'a folder that is not there',
      `file_format: "1.1"
meter_provider: {readers: [{pull: {exporter: {prometheus/development: {port: 0}}}}]}
distribution: {ebpf_meter: {directories: [none], shipped: false}}
`,
      /^ebpf-meter: \S+none: the folder can't be read\n/,
    ],
  ] as const) {
    it(`is refused: ${what}`, async () => {
      using folder = programFolder({});
      const ended = await runMeter(['--config', folder.file('meter.config', text)]);
      assertRefused(ended, { status: 1, stderr });
    });
  }

  it('is refused where the environment is wrong', async () => {
    assertRefused(await runMeter([], { OTEL_METRICS_EXPORTER: 'prometeus' }), {
      status: 1,
      stderr: /^ebpf-meter: OTEL_METRICS_EXPORTER: unknown exporter "prometeus", did you mean "prometheus"\?\n$/,
    });
  });

  for (const [args, stderr] of [
    [['--promtheus', ':1'], /^ebpf-meter: unknown option "--promtheus", did you mean "--prometheus"\?\n/],
    [['--otlp', 'collector:4317:1'], /^ebpf-meter: --otlp: "collector:4317:1" is no URL: /],
    [['list', '--strict'], /^ebpf-meter: list has no option --strict\n/],
  ] as const) {
    it(`is refused with status 2: ${args.join(' ')}`, async () => {
      assertRefused(await runMeter(args), { status: 2, stderr });
    });
  }
});
