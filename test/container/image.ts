import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installPackages } from '../vm/apt.ts';

const root = join(import.meta.dirname, '../..');
const cache = join(root, 'build/images');
const suite = 'trixie';
const base = `localhost/debian:${suite}-slim`;
/** By the command that is looked for. */
const packages = { podman: 'podman', buildah: 'buildah', runc: 'runc', mmdebstrap: 'mmdebstrap' };
/** crun refuses a cgroup v1 layout with a v2 mount beside it; the limits are needed without CAP_SYS_RESOURCE. */
const podman = ['--runtime', 'runc'];
const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];

/** Why images can't be built on this machine; undefined where they can. */
export function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  const lacks = Object.keys(packages).filter(
    (command) => !(process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command))),
  );
  const apt = existsSync('/usr/bin/apt-get');
  return lacks.length > 0 && !apt ? `lacks ${lacks.join(', ')}, and apt-get to install them` : undefined;
}

/** Builds the Dockerfile on a Debian of mmdebstrap's making, as no registry of images is needed then; returns the image's name. */
export function buildImage(): string {
  fetchBase();
  const tag = 'localhost/ebpf-meter-test';
  const options = [
    'build',
    '--layers',
    '--isolation',
    'chroot',
    '--network',
    'host',
    '--build-arg',
    `BASE=${base}`,
    '-t',
    tag,
  ];
  run('buildah', [...options, '-f', join(root, 'Dockerfile'), root]);
  return tag;
}

function fetchBase(): void {
  installPackages(packages);
  const rootfs = join(cache, `${suite}.tar`);
  if (!existsSync(rootfs)) {
    mkdirSync(cache, { recursive: true });
    // A machine behind a proxy of its own has that one's CA here, and what is built on the image needs it, too.
    const authorities = '--customize-hook=copy-in /usr/local/share/ca-certificates /usr/local/share';
    run('mmdebstrap', ['--variant=minbase', authorities, suite, `${rootfs}.part.tar`]);
    renameSync(`${rootfs}.part.tar`, rootfs);
  }
  if (spawnSync('podman', ['image', 'exists', base]).status !== 0) run('podman', ['import', rootfs, base]);
}

/** Throws an Error that ends with the last lines that the command wrote. */
function run(command: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status === 0) return;
  const lines = `${stdout}\n${stderr}`.trim().split('\n').slice(-20).join('\n');
  throw new Error(`${command} ${args[0]} ended with status ${status}:\n${lines}`);
}

/** What runs the image's command line in the foreground, in front of its arguments; signals are passed on. */
export function containerCommand(image: string, options: readonly string[]): readonly string[] {
  return ['podman', ...podman, 'run', '--rm', ...limits, '--network=host', ...options, image];
}

/** Runs a command in a running container; returns its status and all that it wrote. */
export function execIn(name: string, command: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('podman', [...podman, 'exec', name, ...command], { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

/** Removes the container when it is disposed, which outlives the command that was killed. */
export function removed(name: string): Disposable {
  return { [Symbol.dispose]: () => void spawnSync('podman', ['rm', '-f', '--ignore', name]) };
}

/** The image's size in bytes. */
export function imageSize(image: string): number {
  return Number(execFileSync('podman', ['image', 'inspect', '--format', '{{.Size}}', image], { encoding: 'utf8' }));
}

// By itself it fetches what the tests need, so that a network that is down isn't taken for a test that fails.
if (import.meta.main) {
  const lacking = whyNot();
  if (lacking !== undefined) throw new Error(`building images ${lacking}`);
  fetchBase();
}
