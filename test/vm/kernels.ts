import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { openSuites } from './apt.ts';

/** A kernel that can be booted. */
export interface Kernel {
  /** As on the command line and in the docs: `6.1`, `newest`. */
  readonly name: string;
  /** As uname(2) gives it: `6.1.0-32-amd64`. */
  readonly release: string;
  /** Unpacked packages, with the modules' dependencies. */
  readonly folder: string;
  /** The kernel itself as ELF file. */
  readonly vmlinux: string;
}

/** Where each kernel comes from; the first package of the highest version is taken. */
const sources = [
  { name: '5.10', suites: ['bullseye', 'bullseye-security'], series: '5.10' },
  { name: '6.1', suites: ['bookworm', 'bookworm-security'], series: '6.1' },
  { name: '6.12', suites: ['trixie', 'trixie-security'], series: '6.12' },
  { name: 'newest', suites: ['trixie-backports'], series: undefined },
] as const;

/** Names of all kernels, oldest first. */
export const kernelNames: readonly string[] = sources.map(({ name }) => name);

/**
 * Downloads and unpacks a kernel where the cache doesn't have it. A cached one stays until its folder is removed.
 * Throws an Error where there is none, or where apt can't get it.
 */
export function prepareKernel(name: string, cache: string): Kernel {
  const source = sources.find((candidate) => candidate.name === name);
  if (source === undefined) throw new Error(`"${name}": no such kernel: there are ${kernelNames.join(', ')}`);
  const folder = join(cache, name);
  // Written last, so an unpacking that was broken off has none.
  const stamp = join(folder, 'release');
  if (!existsSync(stamp)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${stamp}.new`, download(source, folder, join(cache, 'apt', name)));
    renameSync(`${stamp}.new`, stamp);
  }
  return { name, release: readFileSync(stamp, 'utf8'), folder, vmlinux: join(folder, 'vmlinux') };
}

/** Returns the release. */
function download({ suites, series }: (typeof sources)[number], folder: string, state: string): string {
  console.error(`vm: fetching a kernel from ${suites.join(', ')}`);
  const archive = openSuites(suites, state);
  const names = new Set(archive.names('^linux-(image|binary|modules|base)-[0-9].*-amd64$'));
  const byVersion = new Intl.Collator('en', { numeric: true }).compare;
  const release = [...names]
    .flatMap((name) => /^linux-image-(\d+\.\d+\.[^-]*(?:-[\d.]+)?-amd64)$/.exec(name)?.[1] ?? [])
    .filter((candidate) => series === undefined || candidate.startsWith(`${series}.`))
    .sort(byVersion)
    .at(-1);
  if (release === undefined) throw new Error(`kernel ${series ?? 'newest'}: ${suites.join(', ')} have none`);
  // Since 6.19 the image's package is empty, and others hold the kernel, its modules, and the list of those built in.
  const parts = ['image', 'binary', 'modules', 'base'].map((part) => `linux-${part}-${release}`);
  archive.unpack(
    parts.filter((part) => names.has(part)),
    folder,
  );

  if (!existsSync(join(folder, 'lib'))) symlinkSync('usr/lib', join(folder, 'lib'));
  const modules = join(folder, 'lib/modules', release);
  const image = [join(folder, 'boot', `vmlinuz-${release}`), join(modules, 'vmlinuz')].find((path) => existsSync(path));
  if (image === undefined) throw new Error(`${release}: no vmlinuz in ${parts.join(', ')}`);
  writeFileSync(join(folder, 'vmlinux'), unpackImage(readFileSync(image), image));
  execFileSync('depmod', ['-b', folder, release], {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  return release;
}

/**
 * The ELF file in a bzImage, as Documentation/arch/x86/boot.rst describes it: booting that one saves an emulated CPU
 * the seconds that unpacking takes it.
 */
function unpackImage(image: Buffer, path: string): Buffer {
  const setupSectors = image[0x1f1] || 4;
  const start = (setupSectors + 1) * 512 + image.readUInt32LE(0x248);
  // The last four bytes are the size of what is unpacked.
  const payload = image.subarray(start, start + image.readUInt32LE(0x24c) - 4);
  const vmlinux = decompress(payload, path);
  if (vmlinux.readUInt32BE(0) !== 0x7f454c46) throw new Error(`${path}: what it holds is no ELF file`);
  return vmlinux;
}

function decompress(payload: Buffer, path: string): Buffer {
  switch (payload.readUInt32BE(0)) {
    case 0xfd377a58:
      return execFileSync('xz', ['--decompress', '--stdout', '--single-stream'], {
        input: payload,
        maxBuffer: 2 ** 30,
      });
    case 0x28b52ffd:
      return zstdDecompressSync(payload);
    default:
      throw new Error(
        `${path}: packed by neither xz nor zstd: its payload begins with ${payload.toString('hex', 0, 4)}`,
      );
  }
}

/** Files of a module and of those that it needs, in the order of loading; none where it is part of the kernel. */
export function moduleFiles(kernel: Kernel, module: string): string[] {
  const args = ['-d', kernel.folder, '-S', kernel.release, '--show-depends', module];
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  return execFileSync('modprobe', args, { encoding: 'utf8', env })
    .split('\n')
    .flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []);
}
