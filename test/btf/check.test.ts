import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkBtf } from '../../src/btf/check.ts';
import { Kind } from '../../src/btf/records.ts';
import { BtfBuilder } from './builder.ts';

/** Type 1 is an int, type 2 a prototype, type 3 a function, type 4 a variable of it. */
function begun(): BtfBuilder {
  const btf = new BtfBuilder();
  btf.add(Kind.int, 'int', 4, [32]);
  btf.add(Kind.prototype, '', 1);
  btf.add(Kind.function, 'f', 2);
  btf.add(Kind.variable, 'v', 1, [1]);
  return btf;
}

test('types as compilers make them', () => {
  const btf = begun();
  const list = btf.add(Kind.struct, 'list', 8, [btf.string('next'), 6, 0], { length: 1 });
  btf.add(Kind.pointer, '', list);
  btf.add(Kind.pointer, '', 0);
  btf.add(Kind.pointer, '', 2);
  btf.add(Kind.array, '', 0, [list, 1, 3]);
  btf.add(Kind.section, '.bss', 4, [4, 0, 4], { length: 1 });
  btf.add(Kind.section, '.ksyms', 4, [3, 0, 4], { length: 1 });
  btf.add(Kind.declTag, 'tag', 3, [0xffffffff]);
  btf.add(Kind.declTag, 'tag', list, [0]);
  btf.add(Kind.forward, 'other', 0);
  btf.add(Kind.enum64, 'e', 8, [btf.string('A'), 1, 0], { length: 1 });
  assert.equal(checkBtf(btf.bytes()).records.length, 16);
});

for (const [what, add, cause] of [
  [
    'a pointer to what is not there',
    (btf) => btf.add(Kind.pointer, '', 99),
    /type 5 refers to type 99, but there are only 6/,
  ],
  [
    'a pointer to a function',
    (btf) => btf.add(Kind.pointer, '', 3),
    /type 5 refers to type 3, of which nothing can be/,
  ],
  ['a typedef of a variable', (btf) => btf.add(Kind.typedef, 't', 4), /of which nothing can be/],
  ['a typedef of itself', (btf) => btf.add(Kind.typedef, 't', 5), /type 5 contains itself/],
  ['an array of itself', (btf) => btf.add(Kind.array, '', 0, [5, 1, 2]), /type 5 contains itself/],
  ['an array by what is not there', (btf) => btf.add(Kind.array, '', 0, [1, 77, 2]), /refers to type 77/],
  ['a struct in itself', (btf) => btf.add(Kind.struct, 's', 4, [0, 5, 0], { length: 1 }), /type 5 contains itself/],
  [
    'a member without a name',
    (btf) => btf.add(Kind.struct, 's', 4, [9999, 1, 0], { length: 1 }),
    /type 5 has a name at 9999, outside of the strings/,
  ],
  ['a member of a section', (btf) => btf.add(Kind.union, 's', 4, [0, 4, 0], { length: 1 }), /of which nothing can be/],
  [
    'a value without a name',
    (btf) => btf.add(Kind.enum, 'e', 4, [9999, 1], { length: 1 }),
    /type 5 has a name at 9999, outside of the strings/,
  ],
  [
    'a wide value without a name',
    (btf) => btf.add(Kind.enum64, 'e', 8, [9999, 1, 0], { length: 1 }),
    /type 5 has a name at 9999, outside of the strings/,
  ],
  ['a function of an int', (btf) => btf.add(Kind.function, 'g', 1), /type 5 is a function without a prototype/],
  [
    'a parameter that is not there',
    (btf) => btf.add(Kind.prototype, '', 1, [0, 88], { length: 1 }),
    /refers to type 88/,
  ],
  ['a result that is not there', (btf) => btf.add(Kind.prototype, '', 88), /refers to type 88/],
  ['a variable of a variable', (btf) => btf.add(Kind.variable, 'w', 4, [1]), /of which nothing can be/],
  [
    'a section of ints',
    (btf) => btf.add(Kind.section, '.bss', 4, [1, 0, 4], { length: 1 }),
    /a section of other things/,
  ],
  ['a tag of the seventh member', (btf) => btf.add(Kind.declTag, 't', 1, [7]), /a tag of what is not there/],
] as const satisfies [string, (btf: BtfBuilder) => number, RegExp][]) {
  test(`refused: ${what}`, () => {
    const btf = begun();
    add(btf);
    assert.throws(() => checkBtf(btf.bytes()), { name: 'MeterError', code: 'object', message: cause });
  });
}

test('refused: a ring of typedefs, qualifiers, arrays and structs', () => {
  const btf = begun();
  btf.add(Kind.typedef, 't', 6);
  btf.add(Kind.const, '', 7);
  btf.add(Kind.array, '', 0, [8, 1, 2]);
  btf.add(Kind.struct, 's', 4, [0, 5, 0], { length: 1 });
  assert.throws(() => checkBtf(btf.bytes()), /type 5 contains itself/);
});

test('20,000 structs in one another are gone through', () => {
  const btf = begun();
  let last = 1;
  for (let depth = 0; depth < 20_000; depth++) last = btf.add(Kind.struct, '', 4, [0, last, 0], { length: 1 });
  assert.equal(checkBtf(btf.bytes()).records.length, 20_005);
});

for (const [what, change, cause] of [
  ['another version', (view) => view.setUint8(2, 2), /version 2, not 1/],
  ['a short header', (view) => view.setUint32(4, 20, true), /a header of 20 bytes/],
  ['types within strings', (view) => view.setUint32(16, 0, true), /its types reach into its strings/],
  ['strings without a beginning', (view) => view.setUint32(16, view.getUint32(16, true) + 1, true), /BTF: /],
  [
    'strings without an end',
    (view) => view.setUint8(view.byteLength - 1, 65),
    /its strings have no beginning or no end/,
  ],
] as const satisfies [string, (view: DataView) => void, RegExp][]) {
  test(`refused: ${what}`, () => {
    const bytes = begun().bytes();
    change(new DataView(bytes.buffer));
    assert.throws(() => checkBtf(bytes), { code: 'object', message: cause });
  });
}
