import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Kernel } from './kernels.ts';

export type Accelerator = 'kvm' | 'tcg';

interface Boot {
  readonly kernel: Kernel;
  readonly initramfs: string;
  readonly accelerator: Accelerator;
  /** A folder that the VM has as /run/vm and can write to; everything else that it writes is lost. */
  readonly folder: string;
  /** A shell script that runs as root on this machine's files. */
  readonly command: string;
  /** An image of the disk /dev/vda, which stays as it is. */
  readonly disk: string;
  /** Modules to load before. */
  readonly modules: readonly string[];
  readonly limitMs: number;
  /** How long the command may print nothing. */
  readonly silenceMs: number;
}

interface Outcome {
  /** The command's exit status; undefined where the VM ended without. */
  readonly status: number | undefined;
  /** Why there is none, with the end of the kernel's messages. */
  readonly problem: string | undefined;
  /** How often a VM ended before its command began. */
  readonly panics: number;
  /** How often a VM stood still after that, and its command began anew in another. */
  readonly hangs: number;
}

/** That a VM was ended, and whether for printing nothing. */
interface Killed {
  readonly afterMs: number;
  readonly silent: boolean;
}

/** What a VM may take until its command begins. */
const startLimitMs = 120_000;
const attempts = 3;
const mostHangs = 1;

/**
 * Boots a kernel on this machine's files and runs a command, whose output goes to this process's as it comes.
 * A VM that ends before the command is booted again: one in some twenty dies in an oops under emulation. So is one that
 * stands still, once, where it is emulated: kernels patch their code while other CPUs run it, which QEMU's threads don't
 * always survive.
 */
export async function runInVm(boot: Boot): Promise<Outcome> {
  const paths = {
    guest: join(boot.folder, 'guest.sh'),
    started: join(boot.folder, 'started'),
    status: join(boot.folder, 'status'),
  };
  copyFileSync(join(import.meta.dirname, 'guest.sh'), paths.guest);
  writeFileSync(join(boot.folder, 'command'), boot.command);
  const modules = join(boot.kernel.folder, 'lib/modules');
  writeFileSync(
    join(boot.folder, 'settings'),
    `KERNEL_MODULES='${modules}'\nLOAD_MODULES='${boot.modules.join(' ')}'\n`,
  );

  let panics = 0;
  let hangs = 0;
  for (;;) {
    rmSync(paths.started, { force: true });
    rmSync(paths.status, { force: true });
    const { console: messages, killed } = await bootOnce(boot, paths.started);
    if (existsSync(paths.status))
      return { status: Number(readFileSync(paths.status, 'utf8')), problem: undefined, panics, hangs };
    const end = messages.trimEnd().split('\n').slice(-30).join('\n');
    const began = existsSync(paths.started);
    const when = began ? 'before its command had ended' : 'before its command began';
    const problem = `the VM ${killed ? `was ended after ${killed.afterMs / 1000} s${killed.silent ? ' of silence' : ''},` : 'ended'} ${when}; its kernel's last messages:\n${end}`;
    const hung = killed?.silent === true && boot.accelerator === 'tcg';
    if (!began) panics++;
    else if (hung) hangs++;
    if (began ? !hung || hangs > mostHangs : panics === attempts) return { status: undefined, problem, panics, hangs };
    console.error(`vm: ${boot.kernel.release}: ${problem}\nvm: booting it again`);
  }
}

/** Whether KVM boots this kernel here: there are machines whose /dev/kvm opens and then fails. */
export async function chooseAccelerator(kernel: Kernel, initramfs: string): Promise<Accelerator> {
  if (!existsSync('/dev/kvm')) return 'tcg';
  const args = [...machine('kvm'), ...kernelArgs(kernel, initramfs, 'vm.probe'), '-serial', 'none'];
  const qemu = spawn('qemu-system-x86_64', args, { stdio: 'ignore' });
  const { late, status } = await end(qemu, 8000);
  return late === undefined && status === 0 ? 'kvm' : 'tcg';
}

async function bootOnce(boot: Boot, started: string): Promise<{ console: string; killed: Killed | undefined }> {
  const args = [
    ...machine(boot.accelerator),
    ...kernelArgs(boot.kernel, boot.initramfs, ''),
    ...['-chardev', 'socket,id=console,fd=3', '-serial', 'chardev:console'],
    ...folderArgs('machine', '/', 'readonly=on,multidevs=remap'),
    ...folderArgs('results', boot.folder, 'multidevs=remap'),
    ...['-device', 'virtio-serial-pci', '-device', 'virtio-rng-pci'],
    ...['-drive', `file=${boot.disk},format=raw,if=virtio,snapshot=on`],
    ...portArgs('stdout', 4),
    ...portArgs('stderr', 5),
  ];
  const qemu = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'pipe', 'pipe'] });
  const [, , , messages, stdout, stderr] = qemu.stdio as unknown as Readable[];
  stdout!.pipe(process.stdout, { end: false });
  stderr!.pipe(process.stderr, { end: false });
  const console = text(messages!);
  const unstarted = setTimeout(() => {
    if (!existsSync(started)) qemu.kill('SIGKILL');
  }, startLimitMs);
  let silent = false;
  const silence = setTimeout(() => {
    silent = true;
    qemu.kill('SIGKILL');
  }, boot.silenceMs);
  for (const output of [stdout!, stderr!]) output.on('data', () => silence.refresh());
  const { late } = await end(qemu, boot.limitMs);
  clearTimeout(unstarted);
  clearTimeout(silence);
  const afterMs = silent ? boot.silenceMs : late;
  return { console: await console, killed: afterMs === undefined ? undefined : { afterMs, silent } };
}

async function end(qemu: ChildProcess, limitMs: number): Promise<{ late: number | undefined; status: number | null }> {
  let late: number | undefined;
  const kill = () => qemu.kill('SIGKILL');
  process.once('exit', kill);
  const timer = setTimeout(() => {
    late = limitMs;
    kill();
  }, limitMs);
  try {
    const [status] = await once(qemu, 'close');
    return { late, status };
  } finally {
    clearTimeout(timer);
    process.off('exit', kill);
  }
}

function machine(accelerator: Accelerator): string[] {
  const accelerated = accelerator === 'kvm' ? ['kvm', 'host'] : ['tcg,thread=multi', 'max'];
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-machine', 'pc'],
    ...['-accel', accelerated[0]!, '-cpu', accelerated[1]!, '-smp', '2', '-m', '2G'],
  ];
}

function kernelArgs({ vmlinux }: Kernel, initramfs: string, parameters: string): string[] {
  // Those that cost an emulated CPU time and change nothing for tests; a panic ends the VM.
  const cheaper = 'mitigations=off init_on_alloc=0 apparmor=0 selinux=0 audit=0 rcupdate.rcu_expedited=1';
  // Else an emulated CPU's clock of tasks moves by ticks at times, and every other clock costs a trip to a device.
  const clock = 'tsc=reliable';
  const line = `console=ttyS0 quiet panic=-1 nokaslr random.trust_cpu=on ${cheaper} ${clock} ${parameters}`;
  return ['-kernel', vmlinux, '-initrd', initramfs, '-append', line];
}

function folderArgs(tag: string, path: string, options: string): string[] {
  const device = `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`;
  return ['-fsdev', `local,id=${tag},path=${path},security_model=none,${options}`, '-device', device];
}

function portArgs(name: string, fd: number): string[] {
  return ['-chardev', `socket,id=${name},fd=${fd}`, '-device', `virtserialport,chardev=${name},name=${name}`];
}
