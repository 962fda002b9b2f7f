import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileCircles } from './helpers/file-circles.ts';

const root = join(import.meta.dirname, '..');

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
  'log-settings.ts': [],
  'log.ts': ['log-settings.ts', 'write-all.ts', 'printable.ts'],
  btf: [],
  elf: ['btf'],
  decoders: [],
  config: ['type btf', 'decoders/registry.ts', 'type decoders/plan.ts', 'capability-names.ts', 'type log-settings.ts'],
  kernel: ['btf', 'type decoders/kernel-facts.ts', 'capability-names.ts'],
  libbpf: ['btf', 'elf', 'kernel', 'type capability-names.ts'],
  maps: ['libbpf', 'kernel', 'type config/plan.ts'],
  programs: ['libbpf', 'maps', 'kernel', 'config', 'decoders', 'btf', 'type capability-names.ts'],
  metrics: ['config', 'decoders', 'type maps/reading.ts'],
  readers: ['metrics', 'config', 'write-all.ts'],
  exporter: ['config', 'kernel', 'libbpf', 'type log.ts', 'metrics', 'programs', 'readers'],
  cli: [
    'exporter',
    'type btf',
    'type capability-names.ts',
    'config',
    'kernel',
    'libbpf',
    'log.ts',
    'log-settings.ts',
    'metrics',
    'programs',
    'readers',
    'printable.ts',
    'write-all.ts',
  ],
  'main.ts': ['cli'],
};

/** Within src/config, which has as many stages as other folders together. */
const allowedInConfig: Readonly<Record<string, readonly string[]>> = {
  yaml: [],
  'plan.ts': ['type yaml'],
  exporter: ['yaml', 'names'],
  names: ['type yaml', 'type exporter/configuration.ts'],
  'instrument-types.ts': ['type plan.ts', 'type exporter/configuration.ts'],
  'without-c': ['yaml', 'type plan.ts'],
  program: ['yaml', 'type plan.ts', 'without-c'],
  resolve: [
    'yaml',
    'names',
    'type plan.ts',
    'program',
    'without-c/layout-types.ts',
    'type instrument-types.ts',
    'type exporter/configuration.ts',
  ],
  'rebucket.ts': ['type plan.ts'],
  'views.ts': [
    'type yaml',
    'names',
    'type plan.ts',
    'type resolve',
    'instrument-types.ts',
    'rebucket.ts',
    'type exporter/configuration.ts',
  ],
};

/** Without the machine: neither files nor processes nor what the machine is called. */
const pure: ReadonlySet<string> = new Set(['btf', 'elf', 'config', 'decoders', 'metrics']);
const machine = /^node:(fs|os|child_process|net|http|https|dns)(\/|$)/;

interface Import {
  readonly file: string;
  /** A path below the same folder, or the name of a package. */
  readonly target: string;
  readonly isType: boolean;
}

const statement = /(?:^|\n)(?:import|export) (type )?(?:[^;'"]*? from )?'([^']+)'|\bimport\('([^']+)'\)/g;

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
}

function importsOf(folder: string, file: string): Import[] {
  const text = readFileSync(join(root, folder, file), 'utf8');
  return [...text.matchAll(statement)].map(([, type, named, loaded]): Import => {
    const path = (named ?? loaded)!;
    const target = path.startsWith('.') ? normalize(join(dirname(file), path)) : path;
    return { file, target, isType: type !== undefined };
  });
}

const files = filesIn('src');
const all = files.flatMap((file) => importsOf('src', file));
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

function isIn(table: Readonly<Record<string, readonly string[]>>, { file, target, isType }: Import): boolean {
  const from = folderOf(file);
  if (folderOf(target) === from || everybodys.has(target)) return true;
  return (table[from] ?? []).some((one) => {
    const path = one.replace('type ', '');
    return (isType || path === one) && (target === path || target.startsWith(`${path}/`));
  });
}

/** What the table lets in and nobody imports. */
function unused(table: Readonly<Record<string, readonly string[]>>, imports: readonly Import[]): string[] {
  return Object.entries(table).flatMap(([from, entries]) => {
    const own = imports.filter(({ file }) => folderOf(file) === from);
    const needed = (one: string) =>
      own.some((each) => !isIn({}, each) && isIn({ [from]: [one] }, each) && each.isType === one.startsWith('type '));
    return entries.filter((one) => !needed(one)).map((one) => `${from}: ${one}`);
  });
}

const say = ({ file, target }: { file: string; target: string }) => `${file} imports ${target}`;

test('imports are found in every folder', () => {
  assert.deepEqual([...new Set(files.map(folderOf))].sort(), Object.keys(allowed).sort());
  assert.ok(all.length > files.length);
});

test('folders import only what the architecture lets them, and the architecture lets them no more', () => {
  const own = all.filter(({ target }) => files.includes(target));
  assert.deepEqual(own.filter((one) => !isIn(allowed, one)).map(say), []);
  assert.deepEqual(unused(allowed, own), []);
});

test('the stages of the configuration import only what is before them', () => {
  const inside = filesIn('src/config');
  const own = inside.flatMap((file) => importsOf('src/config', file)).filter(({ target }) => inside.includes(target));
  assert.deepEqual([...new Set(inside.map(folderOf))].sort(), Object.keys(allowedInConfig).sort());
  assert.deepEqual(own.filter((one) => !isIn(allowedInConfig, one)).map(say), []);
  assert.deepEqual(unused(allowedInConfig, own), []);
});

test('pages of Prometheus know nothing of the server that sends them', () => {
  const upwards = all.filter(
    ({ file, target }) => file.startsWith('readers/prometheus/page/') && target.startsWith('readers/prometheus/http/'),
  );
  assert.deepEqual(upwards.map(say), []);
});

test('folders import one another in one direction', () => {
  const values = all.filter(
    ({ file, target, isType }) => !isType && files.includes(target) && folderOf(file) !== folderOf(target),
  );
  const folders = values.map(({ file, target }) => ({ file: folderOf(file), target: folderOf(target) }));
  assert.deepEqual(fileCircles(folders), []);
});

for (const folder of ['src', 'bench']) {
  const arrows = filesIn(folder).flatMap((file) => importsOf(folder, file));

  test(`no files of ${folder} import one another in a circle`, () => {
    assert.deepEqual(fileCircles(arrows), []);
  });

  test(`a circle in ${folder} is seen, whichever import closes it`, () => {
    for (const { file, target } of arrows.filter(({ target }) => target.endsWith('.ts'))) {
      const circles = fileCircles([...arrows, { file: target, target: file }]);
      assert.ok(
        circles.some((files) => files.includes(file) && files.includes(target)),
        say({ file, target }),
      );
    }
  });
}

test('C is called from src/libbpf alone', () => {
  const calls = all.filter(({ file, target }) => target === 'koffi' && folderOf(file) !== 'libbpf');
  assert.deepEqual(calls.map(say), []);
});

test('pure folders know no machine', () => {
  const impure = all.filter(({ file, target }) => pure.has(folderOf(file)) && machine.test(target));
  assert.deepEqual(impure.map(say), []);
});

/** The files that say at their head what their folder is, and who may import it. */
const entries: Readonly<Record<string, string>> = {
  cli: 'main.ts',
  exporter: 'session.ts',
  config: 'plan.ts',
  btf: 'parse.ts',
  elf: 'check.ts',
  decoders: 'registry.ts',
  kernel: 'facts.ts',
  libbpf: 'object.ts',
  maps: 'reading.ts',
  programs: 'load-all.ts',
  metrics: 'store.ts',
  readers: 'registry.ts',
};
const entriesInConfig: Readonly<Record<string, string>> = {
  yaml: 'document.ts',
  exporter: 'assemble.ts',
  names: 'prometheus.ts',
  'without-c': 'map-kinds.ts',
  program: 'file.ts',
  resolve: 'program.ts',
};

/** Who imports it, by the table, and who only its types. */
function importersOf(table: Readonly<Record<string, readonly string[]>>, folder: string): [string[], string[]] {
  const isOf = (one: string) => one === folder || one.startsWith(`${folder}/`);
  const all = Object.entries(table).filter(([, entries]) => entries.some((one) => isOf(one.replace('type ', ''))));
  const values = all.filter(([, entries]) => entries.some(isOf)).map(([from]) => from);
  return [
    values.sort(),
    all
      .map(([from]) => from)
      .filter((from) => !values.includes(from))
      .sort(),
  ];
}

for (const [path, table, files] of [
  ['src', allowed, entries],
  ['src/config', allowedInConfig, entriesInConfig],
] as const) {
  test(`each folder of ${path} says in its entry file who may import it`, () => {
    assert.deepEqual(
      Object.keys(files).sort(),
      Object.keys(table)
        .filter((name) => !name.endsWith('.ts'))
        .sort(),
    );
    for (const [folder, file] of Object.entries(files)) {
      const head = /^(?:\/\/ .*\n)*/
        .exec(readFileSync(join(root, path, folder, file), 'utf8'))![0]
        .replaceAll('\n// ', ' ');
      const [what, who = ''] = head.split('May be imported ');
      assert.ok(what!.length > 40, `${folder}/${file} doesn't say what the folder is`);
      const said = who
        .split('for types by')
        .map((part) => [...part.matchAll(/`([\w.-]+)`/g)].map(([, name]) => name!).sort());
      assert.deepEqual([said[0], said[1] ?? []], importersOf(table, folder), `${folder}/${file}`);
    }
  });
}
