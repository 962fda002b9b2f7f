import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loopDevice } from '../../../bench/kernel/loop-device.ts';

interface FileSystem extends Disposable {
  /** Where it is mounted. */
  readonly folder: string;
}

/** The least that its mkfs takes, in MiB; the blocks are in memory as far as they are written. */
const sizes = { ext4: 64, xfs: 320, btrfs: 160 };
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

/** A new file system that nobody else uses, mounted until it is disposed. Needs root. */
export function fileSystem(type: keyof typeof sizes): FileSystem {
  using stack = new DisposableStack();
  const { path } = stack.use(loopDevice(sizes[type] * 2 ** 20));
  const folder = mkdtempSync(join(tmpdir(), `${type}-`));
  stack.defer(() => rmdirSync(folder));
  execFileSync(`mkfs.${type}`, ['-q', path], { env });
  execFileSync('mount', ['-t', type, path, folder]);
  stack.defer(() => execFileSync('umount', [folder]));
  const all = stack.move();
  return { folder, [Symbol.dispose]: () => all.dispose() };
}

/** False, or why functions of this kernel can't be hooked. */
export const noFunctions = existsSync('/sys/bus/event_source/devices/kprobe')
  ? false
  : 'this kernel has no kprobes, and with them no fentry';
