import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

const source = join(import.meta.dirname, 'calls.c');
const target = join(import.meta.dirname, '../../../build/fixtures');

/** Runs `calls NAME COUNT` to its end. */
export function call(name: 'getsid' | 'nap' | 'nested' | 'waiting' | 'timer', count: number): void {
  execFileSync(binary(), [name, String(count)]);
}

/** The function that a system call enters the kernel's own code by. */
export function syscallFunction(name: string): string {
  return `__${process.arch === 'arm64' ? 'arm64' : 'x64'}_sys_${name}`;
}

/** Compiled where it is older than its source. */
function binary(): string {
  const path = join(target, 'calls');
  const built = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (built > statSync(source).mtimeMs) return path;
  mkdirSync(target, { recursive: true });
  const fresh = `${path}.${process.pid}`;
  execFileSync('gcc', ['-O2', '-Wall', '-Werror', source, '-o', fresh]);
  renameSync(fresh, path);
  return path;
}
