import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { possibleCpus } from '../../src/kernel/cpus.ts';
import { callGetppid, getppid } from '../fixtures/plan.ts';
import { onlineCpus } from '../helpers/online-cpus.ts';
import { meterCommand, RunningMeter } from '../helpers/process.ts';
import { programFolder } from '../helpers/program-folder.ts';

const records = `constants: {wanted_pid: ${process.pid}, wanted_call: ${getppid}}
metrics:
  counters:
    - {name: getppid_marks_total, help: Marks, perf_event_array: true}
`;
const faults = `maps:
  faults:
    perf_events: [page-faults]
metrics:
  counters:
    - {name: faults_total, help: Page faults, map: faults, field: page-faults}
`;

function pin(cpus: string): void {
  execFileSync('taskset', ['-a', '-c', '-p', cpus, String(process.pid)], { stdio: 'ignore' });
}

/** On one CPU, where the kernel says that it is online, since this process sees the machine as it is. */
function onCpu(cpu: number, work: () => void): void {
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!;
  pin(String(cpu));
  try {
    work();
  } finally {
    pin(allowed);
  }
}

describe('in a container with a /sys of its own', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-cpus-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** The exporter where this file of /sys/devices/system/cpu says that, as lxcfs has it. */
  function start(name: string, text: string, args: readonly string[]): Promise<RunningMeter> {
    const file = join(folder, name);
    writeFileSync(file, `${text}\n`);
    const script = `mount --bind "$1" "/sys/devices/system/cpu/${name}" && shift && exec "$@"`;
    const command = ['unshare', '--mount', 'sh', '-c', script, 'sh', file, ...meterCommand];
    return RunningMeter.start(args, {}, { command });
  }

  it('records and perf events of CPUs that are said to be offline are counted', async () => {
    using programs = programFolder({ records: { yaml: records, object: 'exporter-records' } });
    programs.file('faults.yaml', faults);
    const last = onlineCpus().numbers.at(-1)!;
    await using meter = await start('online', '4095', [
      '--config.dir',
      programs.path,
      '--config.names',
      'records,faults',
    ]);
    onCpu(last, () => callGetppid(97));
    const scrape = await meter.scrape();
    assert.equal(scrape.total('ebpf_exporter_getppid_marks_total'), 97);
    const cpus = scrape.page.families
      .get('ebpf_exporter_faults_total')!
      .samples.map(({ labels }) => labels.cpu_logical_number);
    assert.deepEqual(cpus.toSorted(), onlineCpus().numbers.map(String).toSorted());
  });

  for (const [what, text] of [
    ['fewer', '0'],
    ['more', `0-${possibleCpus().count + 29}`],
  ] as const) {
    const isRight = what === 'fewer' && possibleCpus().count === 1;
    it(`${what} possible CPUs than the kernel has are not believed`, { skip: isRight }, async () => {
      using programs = programFolder({ records: { yaml: records, object: 'exporter-records' } });
      await using meter = await start('possible', text, ['--config.dir', programs.path, '--config.names', 'records']);
      assert.match(
        meter.stderr,
        new RegExp(`WARN {2}/sys/devices/system/cpu/possible: names .*, and the kernel has ${possibleCpus().count}:`),
      );
      onCpu(onlineCpus().numbers.at(-1)!, () => callGetppid(89));
      assert.equal((await meter.scrape()).total('ebpf_exporter_getppid_marks_total'), 89);
    });
  }
});
