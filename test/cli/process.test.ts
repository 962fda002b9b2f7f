import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { helpText } from '../../src/cli/help.ts';
import { runMeter } from '../helpers/process.ts';

const version = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;

describe('process: what needs no kernel', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-cli-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('prints the version', async () => {
    assert.deepEqual(await runMeter(['version']), { status: 0, stdout: `ebpf-meter ${version}\n`, stderr: '' });
  });

  it('prints the help', async () => {
    assert.deepEqual(await runMeter(['check', '--help']), { status: 0, stdout: helpText('check'), stderr: '' });
  });

  for (const { args, said } of [
    { args: ['chekc'], said: /^ebpf-meter: unknown command "chekc", did you mean "check"\?\n"ebpf-meter help" says/ },
    { args: ['run', '--prometheus', 'nowhere'], said: /^ebpf-meter: --prometheus: "nowhere" is no address/ },
    { args: ['--prometheus', 'nowhere', '--namespace', '9'], said: /--prometheus: .*\n--namespace: / },
    { args: ['--prometheus', 'off'], said: /no reader is left\nAsk for one/ },
  ]) {
    it(`ends with 2 after "${args.join(' ')}", without a stack trace`, async () => {
      const { status, stderr, stdout } = await runMeter(args);
      assert.equal(status, 2);
      assert.match(stderr, said);
      assert.doesNotMatch(stderr, /^ {4}at /m);
      assert.equal(stdout, '');
    });
  }

  it('ends with 1 for a configuration file that is missing', async () => {
    const { status, stderr } = await runMeter(['--config', `${folder}/none.yaml`]);
    assert.equal(status, 1);
    assert.match(stderr, /none\.yaml: no such file\n/);
  });

  it('shows every error of a configuration file with its place', async () => {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(file, 'file_format: "1.1"\nmetre_provider: {}\ndistribution: {ebpf_meter: {namespaec: x}}\n');
    const { status, stderr } = await runMeter(['run', '--config', file]);
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`${file}:2:1: .*"metre_provider", did you mean "meter_provider"`));
    assert.match(stderr, new RegExp(`${file}:3:\\d+: .*"namespaec", did you mean "namespace"`));
    assert.doesNotMatch(stderr, /^ {4}at /m);
  });

  it('shows where a configuration file names what no program has', async () => {
    const file = join(folder, 'names.yaml');
    const readers = 'meter_provider: {readers: [{pull: {exporter: {prometheus/development: {}}}}]}';
    const own = '    only: [blok, sched]\n    programs: {tpc: {enabled: true}}';
    writeFileSync(file, `file_format: "1.1"\n${readers}\ndistribution:\n  ebpf_meter:\n${own}\n`);
    for (const command of ['run', 'check', 'list']) {
      const { status, stderr } = await runMeter([command, '--config', file]);
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`${file}:5:12: program "blok": not found, did you mean "block"`));
      assert.match(stderr, new RegExp(`${file}:6:16: program "tpc": not found, did you mean "tcp"`));
    }
  });

  it('tells of a folder without programs, and why one that is named is not there', async () => {
    const empty = mkdtempSync(join(folder, 'empty-'));
    for (const command of ['run', 'check', 'list']) {
      const { status, stderr } = await runMeter([command, '--no-shipped', '--programs', empty]);
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`${empty}: no program is there\nA folder of pairs`));
    }
    const { stderr } = await runMeter(['check', '--no-shipped', '--programs', join(folder, 'none'), '--only', 'a']);
    assert.match(stderr, /none: the folder can't be read\n.*\nebpf-meter: program "a": not found/);
  });

  it('says of a program without its object only that, and nothing of others that are not named', async () => {
    const halves = mkdtempSync(join(folder, 'halves-'));
    for (const name of ['a', 'b']) writeFileSync(join(halves, `${name}.yaml`), '');
    const message = `ebpf-meter: ${halves}/a.yaml: its object ${halves}/a.bpf.o is missing\nCompile it, or remove the YAML\n`;
    for (const command of ['run', 'check']) {
      const { status, stderr } = await runMeter([command, '--no-shipped', '--programs', halves, '--only', 'a']);
      assert.deepEqual([status, stderr], [1, message]);
    }
  });

  it('lists no program that is not there', async () => {
    const { status, stdout, stderr } = await runMeter(['list', '--only', 'shced']);
    assert.deepEqual(
      [status, stdout, stderr],
      [1, '', 'ebpf-meter: program "shced": not found, did you mean "sched"?\n'],
    );
  });

  it('measures nothing where the SDK is disabled', async () => {
    const { status, stderr } = await runMeter(['run', '--log-format', 'json'], { OTEL_SDK_DISABLED: 'true' });
    assert.equal(status, 0);
    assert.match(JSON.parse(stderr).message, /^disabled by the configuration/);
  });
});
