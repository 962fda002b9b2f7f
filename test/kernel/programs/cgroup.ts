import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the hierarchy of version 2 is mounted: here, or beside those of version 1. */
export function cgroupMount(): string {
  const line = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((one) => one.includes(' - cgroup2 '));
  if (line === undefined) {
    const point = mkdtempSync(join(tmpdir(), 'cgroup2-'));
    execFileSync('mount', ['-t', 'cgroup2', 'cgroup2', point]);
    return point;
  }
  return line.split(' ')[4]!;
}

export interface TestCgroup extends Disposable {
  readonly path: string;
  readonly id: bigint;
  /** Where a process writes its number to enter. */
  readonly processes: string;
  remove(): void;
}

/** An empty cgroup of version 2, gone when disposed, which needs it empty. Needs root. */
export function testCgroup(name: string): TestCgroup {
  const path = `${cgroupMount()}/ebpf-meter-${process.pid}-${name}`;
  mkdirSync(path);
  let there = true;
  const remove = () => {
    if (there) rmdirSync(path);
    there = false;
  };
  const id = statSync(path, { bigint: true }).ino;
  return { path, id, processes: join(path, 'cgroup.procs'), remove, [Symbol.dispose]: remove };
}
