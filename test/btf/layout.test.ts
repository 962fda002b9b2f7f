import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapTypes, variables } from '../../src/btf/layout.ts';
import { parseBtf } from '../../src/btf/parse.ts';
import { BtfBuilder } from './builder.ts';

const u32 = { kind: 'int', name: 'unsigned int', size: 4, signed: false, bool: false, char: false };

test('a map has the types that its members key and value point to', () => {
  const btf = new BtfBuilder();
  const id = btf.add(1, 'unsigned int', 4, [32]);
  const alias = btf.add(8, 'u32', id);
  const pointer = btf.add(2, '', alias);
  const nothing = btf.add(2, '', 0);
  const members = [btf.string('type'), nothing, 0, btf.string('key'), pointer, 64, btf.string('value'), nothing, 128];
  const definition = btf.add(4, '', 24, members, { length: 3 });
  const sized = btf.add(4, '', 8, [btf.string('key_size'), pointer, 0], { length: 1 });
  const typed = btf.add(14, 'typed', definition, [1]);
  const untyped = btf.add(14, 'untyped', sized, [1]);
  btf.add(15, '.maps', 32, [typed, 0, 24, untyped, 24, 8], { length: 2 });
  assert.deepEqual(
    mapTypes(parseBtf(btf.bytes())),
    new Map([
      ['typed', { key: u32, value: undefined }],
      ['untyped', { key: undefined, value: undefined }],
    ]),
  );
});

test('variables come in the order of their offsets, and maps, license and externs are none', () => {
  const btf = new BtfBuilder();
  const id = btf.add(1, 'unsigned int', 4, [32]);
  const names = ['late', 'early', 'fixed', '_license', 'CONFIG_HZ'];
  const [late, early, fixed, license, hz] = names.map((name) => btf.add(14, name, id, [1]));
  btf.add(15, '.bss', 8, [late ?? 0, 4, 4, early ?? 0, 0, 4], { length: 2 });
  btf.add(15, '.rodata', 4, [fixed ?? 0, 0, 4], { length: 1 });
  btf.add(15, 'license', 4, [license ?? 0, 0, 4], { length: 1 });
  btf.add(15, '.kconfig', 4, [hz ?? 0, 0, 4], { length: 1 });
  assert.deepEqual(variables(parseBtf(btf.bytes())), [
    { name: 'early', section: '.bss', offset: 0, size: 4, type: u32 },
    { name: 'late', section: '.bss', offset: 4, size: 4, type: u32 },
    { name: 'fixed', section: '.rodata', offset: 0, size: 4, type: u32 },
  ]);
});
