import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { callGetppid, getppid } from '../fixtures/plan.ts';
import { meterCommand, RunningMeter, runMeter } from '../helpers/process.ts';
import { type ProgramFolder, programFolder } from '../helpers/program-folder.ts';

/** Of its hooks one has a second way in, and one has none on any kernel. */
function ways(): ProgramFolder {
  const yaml = `
constants: {wanted_pid: ${process.pid}, wanted_call: ${getppid}}
hooks:
  calls:
    tracepoint: fails_at_load
    own: [first, second]
  dependent_calls:
    unchecked: dependent
    checked: {programs: [dependent], constants: {checked: 1}}
  gone: {verified: fails_at_attach, spare: fails_at_attach_too}
  spare: {unmade: {programs: remembering, maps: impossible}, question: optional, plain: {programs: shared, maps: possible}}
  gone_too: {traced: fails_at_load}
maps:
  places: {map: counts, index: [place]}
metrics:
  counters:
    - {name: counted, map: places, needs: {any: [calls, gone_too]}, help: x}
    - {name: weighed, map: places, needs: {programs: [dependent_calls, always, spare]}, help: x}
    - {name: absent, map: places, needs: {programs: [gone]}, help: x}
`;
  return programFolder({ ways: { yaml, object: 'ways' } });
}

/** Of each place that the fixture counts in. */
const counted = { 0: 97, 1: 97, 3: 97, 4: 97, 5: 97 };

describe('a program with several ways in', () => {
  it('counts by those that the kernel takes, and says which, and what it lacks in a line each', async () => {
    using folder = ways();
    await using meter = await RunningMeter.start(['--no-shipped', '--programs', folder.path, '--strict']);
    const log = meter.stderr;
    assert.match(
      log,
      / INFO {2}ways: attached 5 of 5: first, second, dependent, always, optional \(calls by own, dependent_calls by checked, spare by question\)\n/,
    );
    assert.match(
      log,
      / INFO {2}ways: Linux \S+ has no way in to the hook "gone_too" \(traced: this kernel has no tracepoint no_such_tracepoint[^)]*\); still counted: ebpf\.counted\n/,
    );
    assert.match(
      log,
      / INFO {2}ways: Linux \S+ has no way in to the hook "gone" \(verified: [^;)]*; spare: [^;)]*\); absent: ebpf\.absent\n/,
    );
    assert.doesNotMatch(log, / WARN /);
    assert.doesNotMatch(log, /PROG LOAD LOG|^\s+at |EACCES/m);

    callGetppid(97);
    const scrape = await meter.scrape();
    const samples = (name: string) => scrape.page.families.get(name)?.samples ?? [];
    for (const name of ['ebpf_counted_total', 'ebpf_weighed_total']) {
      assert.deepEqual(Object.fromEntries(samples(name).map(({ labels, value }) => [labels.place, value])), counted);
    }
    assert.deepEqual(samples('ebpf_absent_total'), []);
    assert.deepEqual(
      samples('ebpf_meter_hook_attached').map(({ labels, value }) => [labels.hook, labels.way, value]),
      [
        ['calls', 'own', 1],
        ['dependent_calls', 'checked', 1],
        ['gone', '', 0],
        ['spare', 'question', 1],
        ['gone_too', '', 0],
      ],
    );
    assert.deepEqual(
      samples('ebpf_meter_program_attached').map(({ labels, value }) => [labels.bpf_program, value]),
      [
        ['first', 1],
        ['second', 1],
        ['dependent', 1],
        ['always', 1],
        ['optional', 1],
      ],
    );
  });

  it('is checked without a failure', async () => {
    using folder = ways();
    const { status, stdout, stderr } = await runMeter(['check', '--no-shipped', '--programs', folder.path]);
    assert.match(
      stdout,
      /^ways {2}attached 5 of 5, calls by own, dependent_calls by checked, spare by question\n {6}ways: Linux/,
    );
    assert.equal(status, 0, stdout + stderr);
  });

  it('tells at debug level why a way was passed over', async () => {
    using folder = ways();
    await using meter = await RunningMeter.start(['--no-shipped', '--programs', folder.path, '--log-level', 'debug']);
    assert.match(meter.stderr, / DEBUG ways: dependent: EACCES .*map_value_or_null/);
    assert.match(meter.stderr, / DEBUG ways: calls by tracepoint: this kernel has no tracepoint no_such_tracepoint/);
  });

  it('is listed with its ways', async () => {
    using folder = ways();
    const { status, stdout } = await runMeter(['list', '--no-shipped', '--programs', folder.path]);
    const text = stdout.replaceAll(/\s+/g, ' ');
    assert.equal(status, 0);
    assert.match(
      text,
      /attaches to tp_btf\/sys_enter attaches for calls by tracepoint \(tp_btf\/no_such_tracepoint\), else by own \(tp_btf\/sys_enter\) /,
    );
    assert.match(text, /can run here only in part: .*no way in to gone_too: .*; first tried: calls by own, /);
  });

  it('takes the way that the operator chooses, or none', async () => {
    using folder = ways();
    const config = (chosen: string) =>
      folder.file(
        'meter.conf',
        `file_format: "1.1"
meter_provider: {readers: [{pull: {exporter: {prometheus/development: {port: 0}}}}]}
distribution:
  ebpf_meter:
    directories: [.]
    shipped: false
    programs:
      ways:
        ways: {dependent_calls: ${chosen}}
`,
      );
    const { status, stdout, stderr } = await runMeter(['check', '--config', config('unchecked')]);
    assert.equal(status, 0, stdout + stderr);
    assert.match(
      stdout.replaceAll(/\s+/g, ' '),
      /the hook "dependent_calls" \(unchecked: EACCES\); absent: ebpf\.weighed/,
    );
    const wrong = await runMeter(['check', '--config', config('uncheckt')]);
    assert.equal(wrong.status, 1);
    assert.match(
      wrong.stderr,
      /meter\.conf:9:33: hook "dependent_calls" has no way "uncheckt", did you mean "unchecked"\?\n/,
    );
  });

  it('says of a missing right what it is', async () => {
    using folder = ways();
    const command = ['setpriv', '--bounding-set=-all,+bpf', ...meterCommand];
    await using meter = await RunningMeter.start(['--no-shipped', '--programs', folder.path], {}, { command });
    assert.match(
      meter.stderr,
      / WARN {2}ways: first: EPERM: CAP_PERFMON is missing\n {4}Run as root, or give the process CAP_PERFMON\n/,
    );
    assert.match(meter.stderr, / ERROR nothing could be attached/);
  });
});
