import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface LoopDevice extends Disposable {
  /** /dev/loop3 */
  readonly path: string;
  /** loop3 */
  readonly name: string;
  /** As the kernel holds it: the major above 20 bits of the minor. */
  readonly number: number;
}

/** A block device that nobody else uses, over a file in memory of that many bytes; gone when disposed. Needs root. */
export function loopDevice(bytes: number): LoopDevice {
  const folder = mkdtempSync('/dev/shm/ebpf-meter-');
  const file = join(folder, 'disk');
  writeFileSync(file, '');
  truncateSync(file, bytes);
  let path: string;
  try {
    path = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  const [major, minor] = execFileSync('stat', ['-c', '%Hr %Lr', path], { encoding: 'utf8' }).trim().split(' ');
  return {
    path,
    name: path.slice('/dev/'.length),
    number: Number(major) * 2 ** 20 + Number(minor),
    [Symbol.dispose]() {
      execFileSync('losetup', ['--detach', path]);
      rmSync(folder, { recursive: true });
    },
  };
}
