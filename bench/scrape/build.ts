import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiler } from '../compiler.ts';
import { root } from '../root.ts';
import type { Case } from './cases.ts';

const folder = join(root, 'build/bench');

/** Compiles the maps of one case and writes their description; answers the folder of the pair and its name. */
export function buildProgram(bench: Pick<Case, 'entries' | 'kind'>): { directory: string; program: string } {
  const program = `bench_${bench.kind}_${bench.entries}`;
  const directory = join(folder, program);
  mkdirSync(directory, { recursive: true });
  const source = join(import.meta.dirname, 'maps.bpf.c');
  const options = ['-target', 'bpf', '-O2', '-g', '-mcpu=v3', '-I', join(root, 'programs/include')];
  const object = join(directory, `${program}.bpf.o`);
  execFileSync(compiler(), [...options, `-DENTRIES=${bench.entries}`, '-c', source, '-o', object]);
  writeFileSync(join(directory, `${program}.yaml`), bench.kind === 'counters' ? counters : histograms);
  return { directory, program };
}

/** Compiles the floor program; answers its path. */
export function buildFloor(): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'floor');
  if (!existsSync(path)) execFileSync('gcc', ['-O2', '-o', path, join(import.meta.dirname, 'floor.c')]);
  return path;
}

const counters = `description: Counters that the benchmark fills
metrics:
  counters:
    - {name: bench.counter, help: A counter of the benchmark, map: bench_counters}
`;

const histograms = `description: Histograms that the benchmark fills
maps:
  bench_histos:
    labels: [{name: device, decoders: [{name: uint}]}, {name: process, decoders: [{name: uint}]}]
metrics:
  histograms:
    - {name: bench.latency, help: A histogram of the benchmark, unit: s, in: us, map: bench_histos, slots: slots, sum: sum}
`;
