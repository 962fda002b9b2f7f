import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFunctionNames } from '../../src/kernel/functions.ts';
import { FakeRoot } from './fake-root.ts';

const kallsyms = `ffffffff81000000 T _text
ffffffff81000010 t plain
ffffffff81000020 T exported
ffffffff81000030 W weak
ffffffff81000040 D data
ffffffff81000050 t plain.cold
ffffffff81000060 t cloned.isra.1
ffffffff81000070 t cloned.constprop.0
ffffffff81000080 t cloned.constprop.0.isra.0
ffffffff81000090 t cloned.part.0
ffffffff810000a0 t cloned.isra.1.cold
ffffffff810000b0 t cloned_not.isra.0
ffffffff810000c0 t not_cloned.isra.0
ffffffff810000d0 b cloned.isra.7
ffffffffc0000000 t in_module.isra.0\t[extra]
ffffffffc0000010 t in_module.isra.0\t[other]
ffffffffc0000020 t own\t[extra]
ffffffffc0000030 t last`;

function functionsOf(text: string | undefined) {
  const root = new FakeRoot();
  if (text !== undefined) root.write('proc/kallsyms', text);
  return { root, functions: createFunctionNames({ root: root.path }) };
}

for (const [name, has, variants] of [
  ['plain', true, []],
  ['exported', true, []],
  ['weak', true, []],
  ['data', false, []],
  ['nothing', false, []],
  ['plai', false, []],
  ['lain', false, []],
  ['cloned', false, ['cloned.constprop.0', 'cloned.constprop.0.isra.0', 'cloned.isra.1']],
  ['cloned.isra.1', true, []],
  ['in_module', false, ['in_module.isra.0']],
  ['own', true, []],
  ['last', true, []],
] as const) {
  test(`the function ${name}`, () => {
    const { root, functions } = functionsOf(kallsyms);
    using _root = root;
    assert.equal(functions.has(name), has);
    assert.deepEqual(functions.variants(name), variants);
  });
}

for (const [what, text] of [
  ['not there', undefined],
  ['empty', ''],
] as const) {
  test(`nothing is known where the symbols are ${what}`, () => {
    const { root, functions } = functionsOf(text);
    using _root = root;
    assert.equal(functions.has('plain'), undefined);
    assert.deepEqual(functions.variants('plain'), []);
  });
}

test('symbols are read once, and again after they were given up', () => {
  const { root, functions } = functionsOf(kallsyms);
  using _root = root;
  assert.equal(functions.has('plain'), true);
  root.remove('proc/kallsyms');
  assert.equal(functions.has('plain'), true);
  functions[Symbol.dispose]();
  assert.equal(functions.has('plain'), undefined);
});
