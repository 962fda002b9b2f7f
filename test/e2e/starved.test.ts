import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { commandAfter, RunningMeter, runMeter } from '../helpers/process.ts';

const root = join(import.meta.dirname, '..', '..');

describe('with all of /proc hidden but the processes', () => {
  it('it runs, and says what its instance is called by', async () => {
    const command = ['unshare', '--mount', ...commandAfter('mount -t proc -o subset=pid proc /proc')];
    await using meter = await RunningMeter.start(['--only', 'sched'], {}, { command });
    assert.match(await meter.text(), /^ebpf_sched_context_switches_total\{.*\} \d+$/m);
    assert.match(meter.stderr, /WARN {2}\/proc\/sys\/kernel\/random\/boot_id: not readable, .*service\.instance\.id/);
    assert.doesNotMatch(meter.stderr, /this is a bug/);
  });
});

describe('files that users name', () => {
  let folder = '';
  const inFolder = (name: string) => join(folder, name);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-files-'));
    execFileSync('mkfifo', ['pipe', 'sched.bpf.o', 'tcp.yaml', 'tcp.bpf.o'].map(inFolder));
    copyFileSync(join(root, 'config/programs/sched.yaml'), inFolder('sched.yaml'));
    writeFileSync(inFolder('text.btf'), 'these are no types of a kernel');
    writeFileSync(inFolder('short.btf'), readFileSync('/sys/kernel/btf/vmlinux').subarray(0, 100_003));
    // A header and no types.
    const empty = Buffer.alloc(25);
    empty.writeUInt16LE(0xeb9f, 0);
    empty.writeUInt8(1, 2);
    empty.writeUInt32LE(24, 4);
    empty.writeUInt32LE(1, 20);
    writeFileSync(inFolder('empty.btf'), empty);
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const option of ['--config', '--web.config.file', '--btf.path']) {
    it(`${option}: a pipe is refused, rather than waited for`, async () => {
      const { status, stderr } = await runMeter(['check', '--only', 'sched', option, inFolder('pipe')]);
      assert.equal(status, 1);
      assert.ok(stderr.startsWith(`ebpf-meter: ${inFolder('pipe')}: a pipe, not a file\n`), stderr);
    });
  }

  it('--programs: pipes in place of an object and of a description', async () => {
    const { status, stdout, stderr } = await runMeter(['check', '--no-shipped', '--programs', folder]);
    assert.equal(status, 1);
    const said = stdout + stderr;
    assert.match(said, /tcp\.yaml:1:1: not readable: a pipe, not a file/);
    rmSync(inFolder('tcp.yaml'));
    rmSync(inFolder('tcp.bpf.o'));
    const again = await runMeter(['check', '--no-shipped', '--programs', folder]);
    assert.match(again.stdout, /sched +not attached\n +\S+sched\.bpf\.o: a pipe, not a file/);
  });

  it('--btf.path: what holds no types is named, with what is wrong', async () => {
    for (const [file, why] of [
      ['text.btf', 'BTF: begins with 0x6874, not 0xeb9f'],
      ['short.btf', 'BTF: 100003 bytes, though its header says '],
    ] as const) {
      const { status, stderr } = await runMeter(['check', '--only', 'sched', '--btf.path', inFolder(file)]);
      assert.equal(status, 1);
      assert.ok(stderr.startsWith(`ebpf-meter: ${inFolder(file)}: ${why}`), stderr);
    }
  });

  it('--btf.path: types of another kernel are named where a program does not fit them', async () => {
    const { status, stdout } = await runMeter(['check', '--only', 'sched', '--btf.path', inFolder('empty.btf')]);
    assert.equal(status, 1);
    assert.ok(
      stdout.replaceAll(/\s+/g, ' ').includes(`The kernel's types are from "${inFolder('empty.btf')}"`),
      stdout,
    );
  });
});
