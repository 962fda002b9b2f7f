import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { OpenedObject } from '../../src/libbpf/object.ts';
import { listenToLibbpf } from '../../src/libbpf/print.ts';
import { compileFixture } from '../fixtures/compile.ts';

// Opening needs no rights, so these tests need no root.
const folder = mkdtempSync(join(tmpdir(), 'objects-'));
after(() => rmSync(folder, { recursive: true }));

const types = compileFixture('types');

test('the layout of a compiled object', () => {
  using object = OpenedObject.open(types);
  const { path, maps, variables, programs } = object.layout();
  assert.equal(path, types);
  assert.deepEqual(programs, [{ name: 'use_all', section: 'tp_btf/sys_enter' }]);
  assert.deepEqual(
    maps.map(({ name, type, keySize, valueSize, maxEntries, mmapable }) => {
      return [name, type, keySize, valueSize, maxEntries, mmapable];
    }),
    [
      ['typed', 'hash', 64, 8, 1, false],
      ['untyped', 'hash', 4, 8, 1, false],
    ],
  );
  assert.equal(maps[1]?.key, undefined);
  assert.deepEqual(
    variables
      .filter(({ section }) => section === '.bss')
      .map(({ name, size, type }) => [name, size, type.kind])
      .sort(),
    [
      ['first', 4, 'int'],
      ['table', 120, 'array'],
    ],
  );
});

test('the key of a map, member by member', () => {
  using object = OpenedObject.open(types);
  const key = object.layout().maps[0]?.key;
  assert.ok(key?.kind === 'struct');
  assert.deepEqual(
    key.members.map(({ name, offset, bits, type }) => [name, offset, bits, type.kind, type.size]),
    [
      ['operation', 0, undefined, 'enum', 4],
      ['negative', 4, undefined, 'enum', 4],
      ['inner', 8, undefined, 'struct', 20],
      ['', 32, undefined, 'union', 8],
      ['flags', 40, { offset: 320, size: 3 }, 'int', 4],
      ['rest', 40, { offset: 323, size: 29 }, 'int', 4],
      ['yes', 44, undefined, 'int', 1],
      ['signed_short', 46, undefined, 'int', 2],
      ['node', 48, undefined, 'pointer', 8],
      ['wide', 56, undefined, 'enum', 8],
    ],
  );
  const enumOf = (name: string): unknown => {
    const type = key.members.find((member) => member.name === name)?.type;
    return type?.kind === 'enum' && [...type.values];
  };
  assert.deepEqual(enumOf('operation'), [
    [0n, 'READ'],
    [1n, 'WRITE'],
    [7n, 'FLUSH'],
  ]);
  assert.deepEqual(enumOf('negative'), [
    [-1n, 'MINUS'],
    [1n, 'PLUS'],
  ]);
  assert.deepEqual(enumOf('wide'), [[0x100000000n, 'HUGE']]);
});

test('mmapable arrays are told from others, and a `?` switches a program off', () => {
  using object = OpenedObject.open(compileFixture('every-map'));
  const mmapable = object.layout().maps.filter((map) => map.mmapable);
  assert.deepEqual(
    mmapable.map(({ name }) => name),
    ['mmapable_array', 'by_cpu'],
  );
  assert.equal(object.autoload('count_all'), true);
  assert.equal(object.autoload('count_nothing'), false);
  object.setAutoload('count_nothing', true);
  assert.equal(object.autoload('count_nothing'), true);
});

for (const [name, value] of [
  ['enabled', 0],
  ['small', -128],
  ['chosen', 1],
  ['large', 2n ** 64n - 1n],
] as const) {
  test(`the constant ${name} takes ${value}`, () => {
    using object = OpenedObject.open(types);
    object.setConstant(name, value);
  });
}

for (const [name, value, message] of [
  ['missing', 1, /constant missing: not in the object/],
  ['first', 1, /constant first: is in \.bss/],
  ['enabled', 2, /constant enabled: 2 is not within 0 and 1/],
  ['small', 128, /constant small: 128 is not within -128 and 127/],
  ['text', 1, /constant text: its type is array of 4 bytes/],
] as const) {
  test(`the constant ${name} does not take ${value}`, () => {
    using object = OpenedObject.open(types);
    assert.throws(() => object.setConstant(name, value), { code: 'config', message });
  });
}

test('what is not in the object is said by name', () => {
  using object = OpenedObject.open(types);
  assert.throws(() => object.setAutoload('nobody', false), {
    code: 'object',
    message: /program nobody: not in the object/,
  });
  assert.throws(() => object.setMaxEntries('nothing', 1), {
    code: 'object',
    message: /map nothing: not in the object/,
  });
  assert.throws(() => object.resizeSection('.bss.none', 8), { code: 'object', message: /section \.bss\.none/ });
  assert.throws(() => object.resizeSection('.rodata', 8), { code: 'object', message: /has initial values/ });
});

test('a closed object is not used again', () => {
  const object = OpenedObject.open(types);
  object[Symbol.dispose]();
  object[Symbol.dispose]();
  assert.throws(() => object.setConstant('enabled', 1), { message: /no longer open/ });
  assert.throws(() => object.load(), { message: /no longer open/ });
  assert.equal(object.layout().programs.length, 1);
});

const whole = readFileSync(types);
for (const [name, content, cause] of [
  ['empty', Buffer.alloc(0), /: not an ELF file$/],
  ['text', Buffer.from('#!/bin/sh\n'), /: not an ELF file$/],
  [
    'cut-off',
    whole.subarray(0, whole.length / 2),
    /: its section headers are not within the file, which may be cut off$/,
  ],
  ['header-only', whole.subarray(0, 64), /: its section headers are not within the file/],
  [
    'zeros-behind-the-header',
    Buffer.concat([whole.subarray(0, 64), Buffer.alloc(whole.length - 64)]),
    /: it has no table of section names$/,
  ],
] as const) {
  test(`a corrupt object: ${name}`, () => {
    const path = join(folder, `${name}.bpf.o`);
    writeFileSync(path, content);
    assert.throws(
      () => OpenedObject.open(path),
      (error: Error & { code?: string; remedy?: string }) =>
        error.code === 'object' &&
        error.message.startsWith(`${path}: `) &&
        cause.test(error.message) &&
        /^Compile it again/.test(error.remedy ?? ''),
    );
  });
}

test('a missing object', () => {
  assert.throws(() => OpenedObject.open(join(folder, 'none.bpf.o')), {
    code: 'object',
    message: /none\.bpf\.o: ENOENT \(no such file or directory\)/,
    remedy: 'Check the path and the rights to it, or compile the object',
  });
});

test('debug messages come to who listens, and only then', () => {
  const lines: string[] = [];
  listenToLibbpf((level, line) => lines.push(`${level} ${line}`));
  OpenedObject.open(types)[Symbol.dispose]();
  listenToLibbpf(undefined);
  assert.ok(lines.some((line) => /^debug .*use_all/.test(line)));
  const before = lines.length;
  OpenedObject.open(types)[Symbol.dispose]();
  assert.equal(lines.length, before);
});
