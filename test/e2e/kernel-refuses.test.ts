import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { callGetppid, getppid } from '../fixtures/plan.ts';
import { MeterProcess, meterCommand, RunningMeter, runMeter } from '../helpers/process.ts';
import { type ProgramFolder, programFolder } from '../helpers/program-folder.ts';

/** Of its four programs the verifier refuses one, and of the others two have hooks that no kernel has. */
function rejected(): ProgramFolder {
  const yaml = `
constants: {wanted_pid: ${process.pid}, wanted_call: ${getppid}}
metrics:
  counters:
    - {name: good, help: x, needs: {programs: [accepted]}}
    - {name: refused, help: x, map: table, needs: {programs: [unchecked]}}
    - {name: hookless, help: x, map: good, needs: {programs: [unknown_hook]}}
    - {name: eventless, help: x, map: good, needs: {programs: [unknown_event]}}
`;
  return programFolder({ rejected: { yaml, object: 'rejected' } });
}

describe('a BPF program that the kernel refuses', () => {
  it('costs only its own metrics, and says why in a line', async () => {
    using folder = rejected();
    await using meter = await RunningMeter.start(['--no-shipped', '--programs', folder.path]);
    const log = meter.stderr;
    assert.match(log, / INFO {2}rejected: attached 1 of 4: accepted\n/);
    assert.match(
      log,
      / WARN {2}rejected: unchecked: EACCES \(permission denied\): the verifier says "R0 invalid mem access 'map_value_or_null'"\n {4}The verifier's whole log is shown at debug level\n/,
    );
    assert.match(
      log,
      / WARN {2}rejected: unknown_hook: .*\n {4}This kernel \(\S+\) lacks "tp_btf\/no_such_tracepoint"/,
    );
    assert.match(log, / WARN {2}rejected: unknown_event: .*\n {4}\S/);
    assert.match(
      log,
      / WARN {2}rejected: without them these count too little or nothing: ebpf\.refused, ebpf\.hookless, ebpf\.eventless\n/,
    );
    assert.doesNotMatch(log, /BEGIN PROG LOAD LOG|^\s+at /m);

    callGetppid(23);
    const scrape = await meter.scrape();
    assert.equal(scrape.total('ebpf_good_total'), 23);
    const attached = scrape.page.families.get('ebpf_meter_program_attached')!.samples;
    assert.deepEqual(Object.fromEntries(attached.map(({ labels, value }) => [labels.bpf_program, value])), {
      accepted: 1,
      unchecked: 0,
      unknown_hook: 0,
      unknown_event: 0,
    });
  });

  it('shows the whole log at debug level', async () => {
    using folder = rejected();
    await using meter = await RunningMeter.start(['--no-shipped', '--programs', folder.path, '--log-level', 'debug']);
    assert.match(meter.stderr, / DEBUG .*BEGIN PROG LOAD LOG/);
  });

  it('ends the process with --strict, the reasons first', async () => {
    using folder = rejected();
    const { status, stderr } = await runMeter([
      '--no-shipped',
      '--programs',
      folder.path,
      '--prometheus',
      '127.0.0.1:0',
      '--strict',
    ]);
    assert.equal(status, 1);
    assert.match(stderr, / WARN {2}rejected: unchecked: EACCES/);
    assert.match(stderr, /\nebpf-meter: strict: 3 programs failed\n.*--strict.*\n$/);
    assert.doesNotMatch(stderr, /^\s+at /m);
  });

  it('leaves the exporter up, with zeros, where nothing else is wanted', async () => {
    using folder = rejected();
    writeFileSync(
      join(folder.path, 'meter.conf'),
      `file_format: "1.1"
distribution:
  ebpf_meter:
    directories: [.]
    shipped: false
    programs:
      rejected: {metrics: [hookless, eventless]}
meter_provider:
  readers:
    - pull: {exporter: {prometheus/development: {host: 127.0.0.1, port: 0}}}
`,
    );
    const args = ['--config', join(folder.path, 'meter.conf')];
    await using meter = await RunningMeter.start(args);
    assert.match(
      meter.stderr,
      / WARN {2}rejected: unknown_hook: .*\n {4}This kernel \(\S+\) lacks "tp_btf\/no_such_tracepoint"/,
    );
    assert.match(meter.stderr, / ERROR nothing could be attached, so nothing is counted/);
    const { page } = await meter.scrape();
    const values = (name: string) => page.families.get(name)?.samples.map(({ value }) => value);
    assert.deepEqual(values('ebpf_hookless_total'), [0]);
    assert.deepEqual(values('ebpf_eventless_total'), [0]);
    assert.deepEqual(values('ebpf_meter_program_attached'), [0, 0]);
    assert.equal((await runMeter(['check', ...args])).status, 1);
    assert.equal((await runMeter([...args, '--strict'])).status, 1);
  });

  it('is told by check', async () => {
    using folder = rejected();
    const { status, stdout, stderr } = await runMeter(['check', '--no-shipped', '--programs', folder.path]);
    assert.equal(status, 1);
    assert.match(stdout, /^rejected {2}attached 1 of 4\n {10}rejected: unchecked: EACCES/);
    assert.doesNotMatch(stdout + stderr, /^\s+at /m);
  });
});

describe('a process that lacks rights', () => {
  /** root still, since others may not read the clone, but without what makes it root. */
  const dropped = (kept: string) => ({ command: ['setpriv', `--bounding-set=-all${kept}`, ...meterCommand] });
  const args = ['--only', 'sched', '--prometheus', '127.0.0.1:0'];

  for (const [kept, missing] of [
    ['', 'CAP_BPF and CAP_PERFMON are missing\n    Run as root, or give the process CAP_BPF and CAP_PERFMON'],
    [',+bpf', 'CAP_PERFMON is missing\n    Run as root, or give the process CAP_PERFMON'],
  ] as const) {
    it(`is told the missing capabilities${kept === '' ? '' : ` beside ${kept}`}`, async () => {
      await using meter = new MeterProcess(args, {}, dropped(kept));
      await meter.logged(/running after/);
      const { stderr } = meter;
      const [first] = stderr.split('\n').filter((line) => line.includes(' WARN '));
      assert.match(first!, /WARN {2}sched: (sched_switch: )?EPERM: /);
      assert.ok(stderr.includes(`EPERM: ${missing}\n`), stderr);
      assert.match(stderr, / ERROR nothing could be attached, so nothing is counted/);
      assert.doesNotMatch(stderr, /^\s+at /m);
    });
  }

  it('needs no more than those two', async () => {
    await using meter = new MeterProcess(args, {}, dropped(',+bpf,+perfmon'));
    await meter.logged(/running after/);
    assert.match(meter.stderr, / INFO {2}sched: attached (\d+) of \1: sched_switch\b/);
    assert.doesNotMatch(meter.stderr, / WARN /);
    assert.equal((await meter.stop()).status, 0);
  });
});
