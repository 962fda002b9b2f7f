import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { MeterProcess, runMeter } from '../helpers/process.ts';

const root = join(import.meta.dirname, '../..');

describe('failures', () => {
  let folder = '';
  const args = () => ['--no-shipped', '--programs', folder, '--prometheus', '127.0.0.1:0'];
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-failures-'));
    copyFileSync(`${root}/config/programs/sched.yaml`, `${folder}/sched.yaml`);
    copyFileSync(`${root}/build/programs/sched.bpf.o`, `${folder}/sched.bpf.o`);
    copyFileSync(`${root}/config/programs/tcp.yaml`, `${folder}/corrupt.yaml`);
    writeFileSync(`${folder}/corrupt.bpf.o`, 'no ELF');
  });
  after(() => rmSync(folder, { recursive: true }));

  it('a corrupt object leaves the others running, and shows on the page', async () => {
    await using meter = new MeterProcess(args());
    const [, url] = await meter.logged(/metrics: (\S+)/);
    assert.match(meter.stderr, /INFO {2}sched: attached (\d+) of \1: sched_switch\b/);
    assert.match(meter.stderr, /WARN .*corrupt\.bpf\.o: /);
    const page = await (await fetch(url!)).text();
    assert.match(page, /^ebpf_sched_context_switches_total\{.*\} \d+$/m);
    assert.match(page, /^ebpf_meter_program_attached\{program="sched",bpf_program="sched_switch"\} 1$/m);
    assert.match(page, /^ebpf_meter_program_attached\{program="corrupt",bpf_program=""\} 0$/m);
  });

  it('a corrupt object stops all with --strict', async () => {
    const { status, stderr } = await runMeter([...args(), '--strict']);
    assert.equal(status, 1);
    assert.match(stderr, /WARN .*corrupt\.bpf\.o: /);
    assert.match(stderr, /ebpf-meter: strict: a program failed\nLeave the failing ones out/);
  });

  it('where nothing can be attached, it stays up and says so', async () => {
    await using meter = new MeterProcess([...args(), '--only', 'corrupt']);
    const [, url] = await meter.logged(/metrics: (\S+)/);
    await meter.logged(/running after/);
    assert.match(meter.stderr, / WARN .*corrupt\.bpf\.o: not an ELF file\n/);
    assert.match(meter.stderr, / ERROR nothing could be attached, so nothing is counted/);
    const page = await (await fetch(url!)).text();
    assert.match(page, /^ebpf_meter_program_attached\{program="corrupt",bpf_program=""\} 0$/m);
    assert.equal((await meter.stop()).status, 0);
  });

  it('where nothing can be attached, --strict and check end with 1', async () => {
    const strict = await runMeter([...args(), '--only', 'corrupt', '--strict']);
    assert.equal(strict.status, 1);
    assert.match(strict.stderr, /corrupt\.bpf\.o: not an ELF file/);
    const checked = await runMeter(['check', ...args(), '--only', 'corrupt']);
    assert.equal(checked.status, 1);
    assert.match(checked.stdout, /^corrupt {2}not attached\n/);
  });

  it('check has a line for each and ends with 1', async () => {
    const { status, stdout } = await runMeter(['check', ...args()]);
    assert.equal(status, 1);
    assert.match(stdout, /^sched {4}attached (\d+) of \1,? .*\ncorrupt {2}not attached\n {9}\S.*corrupt\.bpf\.o/);
  });

  it('check of what works ends with 0', async () => {
    const { status, stdout } = await runMeter(['check', ...args(), '--only', 'sched']);
    assert.equal(status, 0);
    assert.match(stdout, /^sched {2}attached (\d+) of \1,? .*\n$/);
  });

  it('list shows the others, and what is wrong with the corrupt one', async () => {
    const { status, stdout } = await runMeter(['list', '--no-shipped', '--programs', folder]);
    assert.equal(status, 0);
    assert.match(stdout, /^corrupt\n {2}\S.*corrupt\.bpf\.o/);
    assert.match(
      stdout,
      /\n\nsched \(enabled\)\n(.*\n)* {2}attaches to tp_btf\/sched_switch\b(.*\n)* {2}can run here\b.*\n$/,
    );
  });

  it('a folder adds to the shipped programs', async () => {
    const { status, stdout } = await runMeter(['list', '--programs', folder, '--only', 'block,corrupt']);
    assert.equal(status, 0);
    assert.match(stdout, /^block \(enabled\)\n(.*\n)*\ncorrupt\n/);
  });

  it('an unknown program is told with the nearest known one', async () => {
    const { status, stderr } = await runMeter([...args(), '--only', 'shced']);
    assert.equal(status, 1);
    assert.match(stderr, /program "shced": not found, did you mean "sched"\?/);
  });

  it('a used port is told in a sentence', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    try {
      const address = `127.0.0.1:${port}`;
      const { status, stderr } = await runMeter([
        '--no-shipped',
        '--programs',
        folder,
        '--only',
        'sched',
        '--prometheus',
        address,
      ]);
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`^ebpf-meter: .*${address}.*`, 'm'));
      assert.doesNotMatch(stderr, /^ {4}at /m);
    } finally {
      server.close();
    }
  });

  it('files with errors are told all at once, each with its place', async () => {
    const wrong = mkdtempSync(join(tmpdir(), 'ebpf-meter-wrong-'));
    try {
      for (const name of ['one', 'two']) {
        writeFileSync(`${wrong}/${name}.yaml`, `metrics:\n  counters:\n    - nmae: ${name}\n`);
        copyFileSync(`${root}/build/programs/sched.bpf.o`, `${wrong}/${name}.bpf.o`);
      }
      const { status, stderr } = await runMeter(['--no-shipped', '--programs', wrong, '--prometheus', '127.0.0.1:0']);
      assert.equal(status, 1);
      for (const name of ['one', 'two']) {
        assert.match(stderr, new RegExp(`${wrong}/${name}\\.yaml:3:7: .*"nmae", did you mean "name"`));
      }
      assert.doesNotMatch(stderr, /^ {4}at /m);
    } finally {
      rmSync(wrong, { recursive: true });
    }
  });
});
