import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBtf } from '../../src/btf/parse.ts';
import { MeterError } from '../../src/errors.ts';
import { BtfBuilder } from './builder.ts';

const u32 = { kind: 'int', name: 'unsigned int', size: 4, signed: false, bool: false, char: false };

/** Numbers of the kinds, from the documentation. */
const [int, pointer, array, struct, union, enumeration, forward, typedef, volatile, constant, restrict] = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
] as const;
const [func, proto, variable, section, float, declTag, typeTag, enum64] = [12, 13, 14, 15, 16, 17, 18, 19] as const;

function withU32(): { btf: BtfBuilder; id: number } {
  const btf = new BtfBuilder();
  return { btf, id: btf.add(int, 'unsigned int', 4, [32]) };
}

for (const [name, size, encoding, expected] of [
  ['int', 4, 1, { signed: true, bool: false, char: false }],
  ['long long', 8, 1, { signed: true, bool: false, char: false }],
  ['_Bool', 1, 4, { signed: false, bool: true, char: false }],
  ['char', 1, 1, { signed: true, bool: false, char: true }],
  ['unsigned char', 1, 0, { signed: false, bool: false, char: false }],
  ['x', 1, 2, { signed: false, bool: false, char: true }],
] as const) {
  test(`the integer ${name}`, () => {
    const btf = new BtfBuilder();
    const id = btf.add(int, name, size, [(encoding << 24) | (size * 8)]);
    assert.deepEqual(parseBtf(btf.bytes()).type(id), { kind: 'int', name, size, ...expected });
  });
}

test('typedefs and qualifiers are looked through', () => {
  const { btf, id } = withU32();
  let last = id;
  for (const kind of [typedef, constant, volatile, restrict, typeTag]) last = btf.add(kind, 'name', last);
  assert.deepEqual(parseBtf(btf.bytes()).type(last), u32);
});

test('arrays of arrays have the size of all elements', () => {
  const { btf, id } = withU32();
  const inner = btf.add(array, '', 0, [id, id, 5]);
  const outer = btf.add(array, '', 0, [inner, id, 3]);
  const element = { kind: 'array', element: u32, length: 5, size: 20 };
  assert.deepEqual(parseBtf(btf.bytes()).type(outer), { kind: 'array', element, length: 3, size: 60 });
});

test('a struct with an anonymous union keeps the nesting', () => {
  const { btf, id } = withU32();
  const inner = btf.add(union, '', 4, [btf.string('low'), id, 0, btf.string('all'), id, 0], { length: 2 });
  const outer = btf.add(struct, 'outer', 8, [btf.string('first'), id, 0, 0, inner, 32], { length: 2 });
  const low = { name: 'low', offset: 0, bits: undefined, type: u32 };
  assert.deepEqual(parseBtf(btf.bytes()).type(outer), {
    kind: 'struct',
    name: 'outer',
    size: 8,
    members: [
      { name: 'first', offset: 0, bits: undefined, type: u32 },
      {
        name: '',
        offset: 4,
        bits: undefined,
        type: { kind: 'union', name: '', size: 4, members: [low, { ...low, name: 'all' }] },
      },
    ],
  });
});

test('bitfields are told by the kind flag, and other members of such a struct stay plain', () => {
  const { btf, id } = withU32();
  const members = [btf.string('three'), id, (3 << 24) | 32, btf.string('plain'), id, 64];
  const outer = btf.add(struct, 'flags', 12, members, { length: 2, flag: true });
  const { type } = parseBtf(btf.bytes());
  const found = type(outer);
  assert.equal(found.kind, 'struct');
  assert.deepEqual('members' in found && found.members, [
    { name: 'three', offset: 4, bits: { offset: 32, size: 3 }, type: u32 },
    { name: 'plain', offset: 8, bits: undefined, type: u32 },
  ]);
});

test('enums, signed or not, 32 and 64 bits; of equal values the first name counts', () => {
  const btf = new BtfBuilder();
  const unsigned = btf.add(enumeration, 'u', 4, [btf.string('A'), 0, btf.string('B'), 0xffffffff, btf.string('C'), 0], {
    length: 3,
  });
  const signed = btf.add(enumeration, 's', 4, [btf.string('MINUS'), 0xffffffff], { length: 1, flag: true });
  const wide = btf.add(enum64, 'w', 8, [btf.string('HUGE'), 1, 2], { length: 1 });
  const wideSigned = btf.add(enum64, 'x', 8, [btf.string('LOW'), 0xfffffffe, 0xffffffff], { length: 1, flag: true });
  const { type } = parseBtf(btf.bytes());
  const values = (id: number): unknown => {
    const found = type(id);
    return found.kind === 'enum' && [found.size, found.signed, [...found.values]];
  };
  assert.deepEqual(values(unsigned), [
    4,
    false,
    [
      [0n, 'A'],
      [0xffffffffn, 'B'],
    ],
  ]);
  assert.deepEqual(values(signed), [4, true, [[-1n, 'MINUS']]]);
  assert.deepEqual(values(wide), [8, false, [[0x200000001n, 'HUGE']]]);
  assert.deepEqual(values(wideSigned), [8, true, [[-2n, 'LOW']]]);
});

test('a struct that points to itself ends at the pointer', () => {
  const btf = new BtfBuilder();
  const node = btf.add(struct, 'node', 8, [btf.string('next'), 2, 0], { length: 1 });
  btf.add(pointer, '', node);
  const parsed = parseBtf(btf.bytes());
  const next = { name: 'next', offset: 0, bits: undefined, type: { kind: 'pointer', size: 8 } };
  assert.deepEqual(parsed.type(node), { kind: 'struct', name: 'node', size: 8, members: [next] });
  assert.equal(parsed.pointee(2), node);
  assert.equal(parsed.pointee(node), undefined);
});

test('records that no value is made of are stepped over', () => {
  const { btf, id } = withU32();
  const prototype = btf.add(proto, '', id, [btf.string('argument'), id], { length: 1 });
  const fn = btf.add(func, 'main', prototype);
  btf.add(declTag, 'tag', id, [0xffffffff]);
  const missing = btf.add(forward, 'elsewhere', 0);
  const double = btf.add(float, 'double', 8);
  const { type } = parseBtf(btf.bytes());
  assert.deepEqual(type(fn), { kind: 'other', name: 'main', size: 0 });
  assert.deepEqual(type(missing), { kind: 'other', name: 'elsewhere', size: 0 });
  assert.deepEqual(type(double), { kind: 'float', name: 'double', size: 8 });
  assert.deepEqual(type(0), { kind: 'other', name: 'void', size: 0 });
});

test('sections list their variables', () => {
  const { btf, id } = withU32();
  const first = btf.add(variable, 'first', id, [1]);
  const second = btf.add(variable, 'second', id, [0]);
  btf.add(section, '.bss', 8, [second, 4, 4, first, 0, 4], { length: 2 });
  assert.deepEqual(parseBtf(btf.bytes()).sections, [
    {
      name: '.bss',
      variables: [
        { name: 'second', type: id, offset: 4, size: 4 },
        { name: 'first', type: id, offset: 0, size: 4 },
      ],
    },
  ]);
});

const { btf: small } = withU32();
const whole = small.bytes();

function changed(change: (view: DataView) => void): Uint8Array {
  const copy = whole.slice();
  change(new DataView(copy.buffer));
  return copy;
}

for (const [name, bytes, message] of [
  ['nothing', new Uint8Array(0), /only 0 bytes/],
  ['another magic', changed((view) => view.setUint16(0, 0x457f, true)), /begins with 0x457f/],
  ['less than the header says', whole.subarray(0, 30), /30 bytes, though its header says/],
  ['a record without its end', changed((view) => view.setUint32(12, 13, true)), /type 1 is cut off/],
  ['an unknown kind', changed((view) => view.setUint32(28, 31 << 24, true)), /type 1 is of the unknown kind 31/],
  ['a name outside of the strings', changed((view) => view.setUint32(24, 9999, true)), /string at 9999/],
] as const) {
  test(`bad BTF: ${name}`, () => {
    assert.throws(
      () => parseBtf(bytes),
      (error) => error instanceof MeterError && error.code === 'object' && message.test(error.message),
    );
  });
}

for (const [name, build, message] of [
  ['a typedef of itself', (btf: BtfBuilder) => btf.add(typedef, 'loop', 1), /typedef of itself/],
  [
    'a struct inside itself',
    (btf: BtfBuilder) => btf.add(struct, 'loop', 4, [btf.string('self'), 1, 0], { length: 1 }),
    /contains itself/,
  ],
  ['a type that is not there', (btf: BtfBuilder) => btf.add(typedef, 'gone', 7), /type 7 is referred to/],
] as const) {
  test(`bad types: ${name}`, () => {
    const btf = new BtfBuilder();
    const id = build(btf);
    assert.throws(() => parseBtf(btf.bytes()).type(id), message);
  });
}

for (const [name, build, message] of [
  [
    '20,000 structs in one another',
    (btf: BtfBuilder, u32: number) => {
      let last = u32;
      for (let depth = 0; depth < 20_000; depth++) {
        last = btf.add(struct, '', 4, [btf.string('inner'), last, 0], { length: 1 });
      }
      return last;
    },
    /^BTF: type \d+ is more than 32 types deep$/,
  ],
  ...[
    ['unnamed', ''],
    ['named', 'a'],
    ['in arrays', 'a'],
  ].map(
    ([what, member]) =>
      [
        `a few structs that are 2^30 members, ${what}`,
        (btf: BtfBuilder, u32: number) => {
          let last = u32;
          for (let depth = 0; depth < (what === 'in arrays' ? 15 : 30); depth++) {
            if (what === 'in arrays' && depth > 0) last = btf.add(array, '', 0, [last, u32, 16]);
            const name = btf.string(member!);
            const twice = [name, last, 0, name, last, 0];
            const four = what === 'in arrays' ? [...twice, ...twice] : twice;
            last = btf.add(struct, '', 4, four, { length: four.length / 3 });
          }
          return last;
        },
        /^BTF: type \d+ has more than 65535 members$/,
      ] as const,
  ),
] as const) {
  test(`types without end are refused at once: ${name}`, () => {
    const { btf, id } = withU32();
    const last = build(btf, id);
    assert.throws(() => parseBtf(btf.bytes()).type(last), { name: 'MeterError', code: 'object', message });
  });
}

test('structs are as deep as a kernel takes them', () => {
  const { btf, id } = withU32();
  let last = id;
  for (let depth = 1; depth < 32; depth++) last = btf.add(struct, '', 4, [0, last, 0], { length: 1 });
  assert.equal(parseBtf(btf.bytes()).type(last).size, 4);
});
