import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { compiler } from '../compiler.ts';
import { root } from '../root.ts';

const target = join(root, 'build/bench');

/** Compiles a load generator of this folder where it is older than its sources, and returns its path. */
export function buildLoad(name: 'load' | 'network' = 'load'): string {
  const source = join(import.meta.dirname, `${name}.c`);
  const binary = join(target, name);
  const built = statSync(binary, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = readdirSync(import.meta.dirname).filter((file) => file === `${name}.c` || file.endsWith('.h'));
  if (sources.every((file) => built > statSync(join(import.meta.dirname, file)).mtimeMs)) return binary;
  mkdirSync(target, { recursive: true });
  // Tests that run at the same time may compile it too: what they see is always a whole file.
  const fresh = `${binary}.${process.pid}`;
  execFileSync('gcc', ['-O2', '-Wall', source, '-o', fresh]);
  renameSync(fresh, binary);
  return binary;
}

/** Compiles a BPF program of this folder with the shipped programs' headers and returns the object's path. */
export function buildProgram(name: string): string {
  mkdirSync(target, { recursive: true });
  const object = join(target, `${name}.bpf.o`);
  const options = ['-target', 'bpf', '-O2', '-g', '-mcpu=v3', '-I', join(root, 'programs/include')];
  execFileSync(compiler(), [...options, '-c', join(import.meta.dirname, `${name}.bpf.c`), '-o', object]);
  return object;
}
