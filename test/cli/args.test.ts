import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCommandLine } from '../../src/cli/args.ts';
import { allOptions } from '../../src/cli/options.ts';
import { MeterError } from '../../src/errors.ts';

const nothing = {
  ...Object.fromEntries(allOptions.map(([key]) => [key, undefined])),
  programs: [],
  print: false,
  isExporterStyle: false,
  logFormat: 'text',
  logTimes: true,
};

describe('command line', () => {
  for (const { line, command, topic, options } of [
    { line: '', command: 'run' },
    { line: 'run', command: 'run' },
    { line: '--strict', command: 'run', options: { strict: true } },
    { line: 'check --print', command: 'check', options: { print: true } },
    { line: 'check --btf.path a.btf', command: 'check', options: { btfPath: 'a.btf' } },
    { line: 'check --config a.yaml', command: 'check', options: { config: 'a.yaml' } },
    { line: '--config=a.yaml check', command: 'check', options: { config: 'a.yaml' } },
    { line: '--programs a --programs=b', command: 'run', options: { programs: ['a', 'b'] } },
    { line: '--programs a --no-shipped', command: 'run', options: { programs: ['a'], shipped: false } },
    { line: '--only a,b --only c', command: 'run', options: { only: ['a,b', 'c'] } },
    {
      line: '--prometheus :0 --otlp http://h:4317',
      command: 'run',
      options: { prometheus: ':0', otlp: 'http://h:4317' },
    },
    { line: 'run --prometheus off', command: 'run', options: { prometheus: 'off' } },
    { line: '--namespace=', command: 'run', options: { namespace: '' } },
    {
      line: 'list --log-level debug --log-format json',
      command: 'list',
      options: { logLevel: 'debug', logFormat: 'json' },
    },
    {
      line: '--web.telemetry-path /m --log.no-timestamps',
      command: 'run',
      options: { telemetryPath: '/m', logTimes: false },
    },
    // As users of ebpf_exporter type it.
    {
      line: '--config.dir=examples --config.names=biolatency,timers --web.listen-address=:9435 --web.telemetry-path=/m --debug',
      command: 'run',
      options: {
        programs: ['examples'],
        shipped: false,
        only: ['biolatency,timers'],
        prometheus: ':9435',
        telemetryPath: '/m',
        logLevel: 'debug',
        isExporterStyle: true,
      },
    },
    {
      line: '--config.dir a --config.check',
      command: 'check',
      options: { programs: ['a'], shipped: false, isExporterStyle: true },
    },
    { line: 'check --config.check --config.strict', command: 'check', options: { strict: true } },
    { line: '--config.names a', command: 'run', options: { only: ['a'], shipped: true, isExporterStyle: true } },
    {
      line: '--btf.path a.btf --capabilities.keep all --config.skip-cache-size=100 --no-debug --no-config.check --no-config.strict',
      command: 'run',
      options: { btfPath: 'a.btf', keepCapabilities: 'all' },
    },
    {
      line: 'list --config.dir a',
      command: 'list',
      options: { programs: ['a'], shipped: false, isExporterStyle: true },
    },
    { line: 'help', command: 'help' },
    { line: '--help', command: 'help' },
    { line: '-h', command: 'help' },
    { line: 'help check', command: 'help', topic: 'check' },
    { line: 'check --help', command: 'help', topic: 'check' },
    { line: 'run -h', command: 'help', topic: 'run' },
    { line: '--config list --help', command: 'help', options: { config: 'list' } },
    { line: 'version', command: 'version' },
    { line: '--version', command: 'version' },
  ]) {
    it(`"${line}" is ${command}${topic === undefined ? '' : ` ${topic}`}`, () => {
      const args = line === '' ? [] : line.split(' ');
      assert.deepEqual(parseCommandLine(args), { command, topic, options: { ...nothing, ...options } });
    });
  }

  const names = [...allOptions.map(([, { name }]) => name), 'help', 'version'];
  const known = `; known: ${names.map((name) => `--${name}`).join(', ')}`;
  for (const { line, message, remedy = 'help"' } of [
    { line: 'chekc', message: 'unknown command "chekc", did you mean "check"?' },
    { line: 'frobnicate', message: 'unknown command "frobnicate"; known: run, check, list, help, version' },
    { line: 'help me', message: 'unknown command "me"; known: run, check, list, help, version' },
    {
      line: '--promtheus :1',
      message: 'unknown option "--promtheus", did you mean "--prometheus"?',
    },
    { line: 'check --stict', message: 'unknown option "--stict", did you mean "--strict"?' },
    { line: 'check --config', message: '--config needs a value', remedy: 'help check"' },
    { line: '--no-strict', message: 'unknown option "--no-strict", did you mean "--strict"?' },
    { line: '-x', message: `unknown option "-x"${known}` },
    { line: '--constructor x', message: `unknown option "--constructor"${known}` },
    { line: 'list --strict', message: 'list has no option --strict', remedy: 'help list"' },
    { line: 'version --config x', message: 'version has no option --config', remedy: 'help version"' },
    { line: 'run now', message: 'run: unexpected argument "now"', remedy: 'help run"' },
    { line: 'help run check', message: 'help: unexpected argument "check"' },
    { line: '--config', message: '--config needs a value', remedy: 'help run"' },
    {
      line: '--config --strict',
      message: '--config needs a value, and "--strict" looks like an option',
      remedy: 'help run"',
    },
    { line: '--strict=yes', message: '--strict takes no value, not "yes"', remedy: 'help run"' },
    { line: '--config a --config b', message: '--config is given twice: "a" and "b"', remedy: 'help run"' },
    { line: '--debug=yes', message: '--debug takes no value, not "yes"', remedy: 'help run"' },
    { line: '--config.dir', message: '--config.dir needs a value', remedy: 'help run"' },
    { line: 'list --config.strict', message: 'list has no option --config.strict', remedy: 'help list"' },
    { line: '--config.die a', message: 'unknown option "--config.die", did you mean "--config.dir"?' },
    { line: '-config.dir a', message: 'unknown option "-config.dir", did you mean "--config.dir"?' },
    { line: '-config.names=a', message: 'unknown option "-config.names", did you mean "--config.names"?' },
    { line: '-xyz', message: `unknown option "-xyz"${known}` },
    { line: '--log-level loud', message: '--log-level: "loud" is none of error, warn, info, debug' },
    { line: '--log-format xml', message: '--log-format: "xml" is none of text, json' },
  ]) {
    it(`"${line}" is refused`, () => {
      assert.throws(
        () => parseCommandLine(line.split(' ')),
        (error) => {
          assert.ok(error instanceof MeterError);
          assert.equal(error.code, 'usage');
          assert.equal(error.message, message);
          const wanted = remedy.startsWith('help') ? `"ebpf-meter ${remedy}` : remedy;
          assert.ok(error.remedy?.includes(wanted), `${error.remedy}`);
          return true;
        },
      );
    });
  }
});
