import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const mounted = '/sys/fs/cgroup';

interface MemoryCgroup extends Disposable {
  /** Where a process writes its number to enter. */
  readonly processes: string;
  readonly version: 1 | 2;
  /** Has the kernel free of the cgroup's memory what it can. */
  shrink(): void;
}

/** A cgroup whose processes may have so many bytes of memory; gone when disposed, which needs it empty. Needs root. */
export function memoryCgroup(limit: number): MemoryCgroup {
  const unified = `${mounted}/cgroup.controllers`;
  if (existsSync(unified) && readFileSync(unified, 'utf8').split(/\s/).includes('memory')) {
    writeFileSync(`${mounted}/cgroup.subtree_control`, '+memory');
    return { ...inFolder(mounted, 'memory.max', limit, () => {}), version: 2 };
  }
  const root = mkdtempSync(join(tmpdir(), 'memory-cgroup-'));
  execFileSync('mount', ['-t', 'cgroup', '-o', 'memory', 'memory', root]);
  const unmount = () => {
    execFileSync('umount', [root]);
    rmdirSync(root);
  };
  return { ...inFolder(root, 'memory.limit_in_bytes', limit, unmount), version: 1 };
}

function inFolder(root: string, limitFile: string, limit: number, unmount: () => void): Omit<MemoryCgroup, 'version'> {
  const folder = join(root, `ebpf-meter-${process.pid}`);
  mkdirSync(folder);
  writeFileSync(join(folder, limitFile), String(limit));
  return {
    processes: join(folder, 'cgroup.procs'),
    shrink() {
      const file = join(folder, 'memory.force_empty');
      if (existsSync(file)) return writeFileSync(file, '0');
      const reclaim = join(folder, 'memory.reclaim');
      if (!existsSync(reclaim)) {
        // Before Linux 5.19.
        writeFileSync(join(folder, 'memory.high'), '0');
        return writeFileSync(join(folder, 'memory.high'), 'max');
      }
      try {
        writeFileSync(reclaim, String(limit));
      } catch (error) {
        // There was less to free than it asked for.
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      }
    },
    [Symbol.dispose]() {
      rmdirSync(folder);
      unmount();
    },
  };
}
