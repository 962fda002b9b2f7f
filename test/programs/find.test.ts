import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { findPrograms as findAll, findPairs } from '../../src/programs/find.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'programs-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Without the shipped ones. */
const findPrograms = (directories: readonly string[], wanted?: readonly string[]) =>
  findAll({ directories, shipped: false }, wanted);

function write(...names: string[]): void {
  for (const name of names) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), '');
  }
}

test('pairs, by name; other files are none of them', () => {
  write('b.yaml', 'b.bpf.o', 'a.bpf.o', 'a.yaml', 'a.bpf.c', 'README.md', '.yaml');
  assert.deepEqual(findPrograms([folder]), {
    programs: ['a', 'b'].map((name) => {
      return { name, file: join(folder, `${name}.yaml`), object: join(folder, `${name}.bpf.o`) };
    }),
    errors: [],
    broken: new Map(),
    replacing: [],
  });
});

test('files and objects in folders of their own', () => {
  write('files/a.yaml', 'objects/a.bpf.o');
  const { programs, errors } = findPairs(join(folder, 'files'), join(folder, 'objects'));
  assert.deepEqual(errors, []);
  assert.deepEqual(
    programs.map(({ object }) => object),
    [join(folder, 'objects', 'a.bpf.o')],
  );
});

test('a half without the other names both, and the pairs are found nevertheless', () => {
  write('whole.yaml', 'whole.bpf.o', 'described.yaml', 'compiled.bpf.o');
  const { programs, errors, broken } = findPrograms([folder]);
  assert.deepEqual(
    programs.map(({ name }) => name),
    ['whole'],
  );
  assert.deepEqual([...broken.keys()], ['compiled', 'described']);
  assert.deepEqual(
    errors.map(({ code, message }) => [code, message]),
    [
      ['config', `${folder}/compiled.bpf.o: its description ${folder}/compiled.yaml is missing`],
      ['config', `${folder}/described.yaml: its object ${folder}/described.bpf.o is missing`],
    ],
  );
});

test('pairs in folders within, where they are named', () => {
  write(
    'a.yaml',
    'a.bpf.o',
    'sub/b.yaml',
    'sub/b.bpf.o',
    'sub/c.yaml',
    'sub/c.bpf.o',
    'sub/half.bpf.o',
    'sub/in/d.yaml',
    'sub/in/d.bpf.o',
  );
  const names = (wanted?: readonly string[]) => findPrograms([folder], wanted).programs.map(({ name }) => name);
  assert.deepEqual(names(), ['a']);
  assert.deepEqual(names(['a', 'sub/b', 'sub/in/d', 'sub/none', 'none/b']), ['a', 'sub/b', 'sub/in/d']);
  const { programs, errors, broken } = findPrograms([folder], ['sub/b', 'sub/half', 'sub/half']);
  assert.deepEqual(programs.at(-1), {
    name: 'sub/b',
    file: join(folder, 'sub/b.yaml'),
    object: join(folder, 'sub/b.bpf.o'),
  });
  assert.deepEqual([...broken.keys()], ['sub/half']);
  assert.deepEqual(
    errors.map(({ message }) => message),
    [`${folder}/sub/half.bpf.o: its description ${folder}/sub/half.yaml is missing`],
  );
  write('other/sub/b.yaml', 'other/sub/b.bpf.o');
  const two = findPrograms([folder, join(folder, 'other')], ['sub/b']);
  assert.deepEqual(
    two.errors.map(({ message }) => message),
    [`${folder}/other/sub/b.yaml: a program "sub/b" is in ${folder}/sub/b.yaml already`],
  );
});

test('the same name in two folders', () => {
  write('one/a.yaml', 'one/a.bpf.o', 'two/a.yaml', 'two/a.bpf.o', 'two/b.yaml', 'two/b.bpf.o');
  const { programs, errors } = findPrograms([join(folder, 'one'), join(folder, 'two')]);
  assert.deepEqual(
    programs.map(({ file }) => file),
    [join(folder, 'one/a.yaml'), join(folder, 'two/b.yaml')],
  );
  assert.deepEqual(
    errors.map(({ message }) => message),
    [`${folder}/two/a.yaml: a program "a" is in ${folder}/one/a.yaml already`],
  );
});

test('a missing folder is one error, not one per file of the other', () => {
  write('files/a.yaml', 'files/b.yaml');
  const { errors } = findPairs(join(folder, 'files'), join(folder, 'objects'));
  assert.deepEqual(
    errors.map(({ message }) => message),
    [`${folder}/objects: the folder can't be read`],
  );
  assert.equal(findPrograms([join(folder, 'none')]).errors.length, 1);
});

test('folders without any program are an error, one among others is none', () => {
  const { programs, errors } = findPrograms([folder, join(folder, '..', basename(folder))]);
  assert.deepEqual(programs, []);
  assert.deepEqual(
    errors.map(({ message }) => message),
    [`${folder}, ${folder}: no program is there`],
  );
  write('full/a.yaml', 'full/a.bpf.o');
  assert.deepEqual(findPrograms([folder, join(folder, 'full')]).errors, []);
});

test('the shipped programs are there without a folder', () => {
  const { programs } = findAll({});
  assert.ok(programs.some(({ file }) => file.endsWith('config/programs/block.yaml')));
});

test('a file whose maps are all without C needs no object, and a wrong one is not told to have one', () => {
  const counters = 'metrics: {counters: [{name: a, map: m, field: cycles}]}';
  for (const [name, text] of [
    ['events', `maps: {m: {perf_events: [cycles]}}\n${counters}`],
    ['misspelled', `maps: {m: {perf_events: [cycle]}}\n${counters}`],
    ['broken', 'maps: {m'],
    ['plain', 'metrics: {counters: [{name: a}]}'],
  ] as const) {
    writeFileSync(join(folder, `${name}.yaml`), text);
  }
  const { programs, errors } = findPrograms([folder]);
  assert.deepEqual(
    programs.map(({ name, object }) => [name, object]),
    [
      ['broken', undefined],
      ['events', undefined],
      ['misspelled', undefined],
    ],
  );
  assert.deepEqual(
    errors.map(({ message }) => message),
    [`${folder}/plain.yaml: its object ${folder}/plain.bpf.o is missing`],
  );
});

test('a file without an object, all of whose maps are without C, says where it names another map', () => {
  const path = join(folder, 'calls.yaml');
  writeFileSync(
    path,
    'maps:\n  calls: {functions: [vfs_read]}\nmetrics:\n  counters:\n    - {name: n, map: cals, field: calls}\n',
  );
  const { programs, errors } = findPrograms([folder]);
  assert.deepEqual(programs, []);
  assert.deepEqual(
    errors.map(({ message }) => message),
    [`${path}:5:22: no map "cals" in this file, nor an object ${folder}/calls.bpf.o, did you mean "calls"?`],
  );
});

test('a file without an object, of whose maps one is the object’s, lacks the object', () => {
  const path = join(folder, 'calls.yaml');
  writeFileSync(
    path,
    'maps:\n  calls: {functions: [vfs_read]}\n  own: {}\nmetrics:\n  counters:\n    - {name: n, map: own}\n',
  );
  const { errors } = findPrograms([folder]);
  assert.deepEqual(
    errors.map(({ message }) => message),
    [`${path}: its object ${folder}/calls.bpf.o is missing`],
  );
});

test('folders add to the shipped programs, whose places their own of the same names take', () => {
  write('sched.yaml', 'sched.bpf.o', 'mine.yaml', 'mine.bpf.o', 'tcp.yaml');
  const shipped = findAll({}).programs;
  const { programs, errors, broken, replacing } = findAll({ directories: [folder] });
  assert.deepEqual(
    programs.map(({ name }) => name),
    [...shipped.map(({ name }) => name).filter((name) => name !== 'tcp'), 'mine'].sort(),
  );
  assert.equal(programs.find(({ name }) => name === 'sched')?.file, join(folder, 'sched.yaml'));
  assert.deepEqual(
    replacing.map(({ name }) => name),
    ['sched'],
  );
  assert.equal(errors.length, 1);
  assert.deepEqual([...broken.keys()], ['tcp']);
});

test('an empty folder beside the shipped programs, or nothing at all, is an error', () => {
  assert.deepEqual(
    findAll({ directories: [folder] }).errors.map(({ message }) => message),
    [`${folder}: no program is there`],
  );
  assert.deepEqual(
    findAll({ shipped: false }).errors.map(({ message }) => message),
    ['no folder has programs'],
  );
});
