import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const source = join(import.meta.dirname, '..', 'src');

/**
 * What each folder may import, as docs/architecture.md has it, and of which only types, behind `type `. The folders
 * themselves may be imported by all of their own.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  'version.ts': [],
  'background.ts': [],
  'user-file.ts': [],
  'timer.ts': [],
  'wildcards.ts': [],
  'write-all.ts': [],
  'printable.ts': [],
  'capability-names.ts': [],
  'log.ts': ['type config', 'write-all.ts', 'printable.ts'],
  btf: [],
  elf: ['btf'],
  config: ['btf', 'decoders/registry.ts', 'capability-names.ts'],
  decoders: ['type config/plan.ts'],
  kernel: ['btf', 'type decoders/decoder.ts', 'capability-names.ts'],
  libbpf: ['btf', 'elf', 'kernel', 'capability-names.ts'],
  maps: ['libbpf', 'kernel', 'type config/plan.ts'],
  programs: ['libbpf', 'maps', 'kernel', 'config', 'decoders', 'btf', 'capability-names.ts'],
  metrics: ['config', 'decoders', 'type maps/reading.ts'],
  readers: ['metrics', 'config', 'type log.ts', 'write-all.ts'],
  exporter: ['config', 'kernel', 'libbpf', 'type log.ts', 'type maps', 'metrics', 'programs', 'readers'],
  cli: [
    'exporter',
    'btf',
    'capability-names.ts',
    'config',
    'decoders',
    'kernel',
    'libbpf',
    'log.ts',
    'maps',
    'metrics',
    'programs',
    'readers',
    'printable.ts',
    'write-all.ts',
  ],
  'main.ts': ['cli'],
};

/** Without the machine: neither files nor processes nor what the machine is called. */
const pure: ReadonlySet<string> = new Set(['btf', 'elf', 'config', 'decoders', 'metrics']);
const machine = /^node:(fs|os|child_process|net|http|https|dns)(\/|$)/;

interface Import {
  readonly file: string;
  /** A path below src, or the name of a package. */
  readonly target: string;
  readonly isType: boolean;
}

const statement = /(?:^|\n)(?:import|export) (type )?(?:[^;'"]*? from )?'([^']+)'|\bimport\('([^']+)'\)/g;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(source, file), 'utf8');
  return [...text.matchAll(statement)].map(([, type, named, loaded]): Import => {
    const path = (named ?? loaded)!;
    const target = path.startsWith('.') ? normalize(join(dirname(file), path)) : path;
    return { file, target, isType: type !== undefined };
  });
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const all = files.flatMap(importsOf);
/** May be imported by all. */
const everybodys: ReadonlySet<string> = new Set([
  'errors.ts',
  'version.ts',
  'background.ts',
  'user-file.ts',
  'timer.ts',
  'wildcards.ts',
]);
const folderOf = (path: string) => path.split('/')[0]!;

function isAllowed({ file, target, isType }: Import): boolean {
  const from = folderOf(file);
  if (folderOf(target) === from || everybodys.has(target)) return true;
  return (allowed[from] ?? []).some((one) => {
    const path = one.replace('type ', '');
    return (isType || path === one) && (target === path || target.startsWith(`${path}/`));
  });
}

const say = ({ file, target }: Import) => `${file} imports ${target}`;

test('imports are found in every folder', () => {
  assert.deepEqual([...new Set(files.map(folderOf))].sort(), Object.keys(allowed).sort());
  assert.ok(all.length > files.length);
});

test('folders import only what the architecture lets them', () => {
  const own = all.filter(({ target }) => files.includes(target));
  assert.deepEqual(own.filter((one) => !isAllowed(one)).map(say), []);
});

test('C is called from src/libbpf alone', () => {
  const calls = all.filter(({ file, target }) => target === 'koffi' && folderOf(file) !== 'libbpf');
  assert.deepEqual(calls.map(say), []);
});

test('pure folders know no machine', () => {
  const impure = all.filter(({ file, target }) => pure.has(folderOf(file)) && machine.test(target));
  assert.deepEqual(impure.map(say), []);
});
