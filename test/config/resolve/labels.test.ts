import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BtfType } from '../../../src/btf/types.ts';
import type { LabelPlan } from '../../../src/config/plan.ts';
import { plan } from './resolving.ts';
import {
  array,
  bool,
  char,
  enumeration,
  i8,
  i16,
  i32,
  i64,
  layout,
  map,
  pointer,
  struct,
  u8,
  u16,
  u32,
  u64,
  union,
} from './types.ts';

type Short = readonly [name: string, offset: number, size: number, ...decoders: string[]];

// A key's type and the labels as written → the labels; `enum` shows its names.
const derived: readonly (readonly [string, BtfType, string, readonly Short[]])[] = [
  [
    'unsigned integers',
    struct('k', { a: u8, b: u16, c: u32, d: u64 }),
    '',
    [
      ['a', 0, 1, 'uint'],
      ['b', 2, 2, 'uint'],
      ['c', 4, 4, 'uint'],
      ['d', 8, 8, 'uint'],
    ],
  ],
  [
    'signed integers',
    struct('k', { a: i8, b: i16, c: i32, d: i64 }),
    '',
    [
      ['a', 0, 1, 'int'],
      ['b', 2, 2, 'int'],
      ['c', 4, 4, 'int'],
      ['d', 8, 8, 'int'],
    ],
  ],
  ['bool', struct('k', { on: bool }), '', [['on', 0, 1, 'uint']]],
  ['char array', struct('k', { comm: array(char, 16) }), '', [['comm', 0, 16, 'string']]],
  ['enum', struct('k', { op: enumeration('op', { read: 0, write: 1 }) }), '', [['op', 0, 4, 'enum 0=read 1=write']]],
  [
    'enum with negative values',
    struct('k', { r: enumeration('r', { bad: -1, good: 0 }) }),
    '',
    [['r', 0, 4, 'enum -1=bad 0=good']],
  ],
  [
    'nested structs',
    struct('k', { io: struct('io', { dev: u32, at: struct('at', { cpu: u16 }) }), op: u8 }),
    '',
    [
      ['io_dev', 0, 4, 'uint'],
      ['io_at_cpu', 4, 2, 'uint'],
      ['op', 8, 1, 'uint'],
    ],
  ],
  [
    'an unnamed struct',
    struct('k', { '#': struct('', { a: u32, b: u32 }), c: u32 }),
    '',
    [
      ['a', 0, 4, 'uint'],
      ['b', 4, 4, 'uint'],
      ['c', 8, 4, 'uint'],
    ],
  ],
  [
    'padding by name',
    struct('k', { a: u32, _: u32, b: u16, __pad: array(u8, 6), __pad1: u64 }),
    '',
    [
      ['a', 0, 4, 'uint'],
      ['b', 8, 2, 'uint'],
    ],
  ],
  [
    'one renamed',
    struct('k', { dev: u32, op: u32 }),
    '[{name: system.device, field: dev}]',
    [
      ['system.device', 0, 4, 'uint'],
      ['op', 4, 4, 'uint'],
    ],
  ],
  [
    'one by its own name',
    struct('k', { dev: u32, op: u32 }),
    '[{name: op, decoders: [{name: errno}]}]',
    [
      ['dev', 0, 4, 'uint'],
      ['op', 4, 4, 'errno'],
    ],
  ],
  [
    'a nested one renamed',
    struct('k', { io: struct('io', { dev: u32, op: u32 }) }),
    '[{name: device, field: io.dev}]',
    [
      ['device', 0, 4, 'uint'],
      ['io_op', 4, 4, 'uint'],
    ],
  ],
  [
    'a nested one by its flat name',
    struct('k', { io: struct('io', { dev: u32, op: u32 }) }),
    '[{name: io_op, decoders: [{name: hex}]}]',
    [
      ['io_dev', 0, 4, 'uint'],
      ['io_op', 4, 4, 'hex'],
    ],
  ],
  [
    'a whole struct as bytes',
    struct('k', { io: struct('io', { dev: u32, op: u32 }), c: u32 }),
    '[{name: io, decoders: [{name: hex}]}]',
    [
      ['io', 0, 8, 'hex'],
      ['c', 8, 4, 'uint'],
    ],
  ],
  [
    'pointers and unions with decoders',
    struct('k', { f: pointer, u: union('u', { v4: u32, v6: array(u8, 16) }) }),
    '[{name: f, decoders: [{name: ksym}]}, {name: u, decoders: [{name: inet_ip}]}]',
    [
      ['f', 0, 8, 'ksym'],
      ['u', 8, 16, 'inet_ip'],
    ],
  ],
  [
    'a member of a union',
    struct('k', { a: u32, '#': union('', { v4: u32, v6: array(u8, 16) }) }),
    '[{name: address, field: v4, decoders: [{name: inet_ip}]}]',
    [
      ['a', 0, 4, 'uint'],
      ['address', 4, 4, 'inet_ip'],
    ],
  ],
  [
    'an element of an array',
    struct('k', { v: array(u32, 2) }),
    '[{name: first, field: "v[0]"}, {name: second, field: "v[1]"}]',
    [
      ['first', 0, 4, 'uint'],
      ['second', 4, 4, 'uint'],
    ],
  ],
  [
    'a key that is a number',
    u64,
    '[{name: code.function, decoders: [{name: ksym}]}]',
    [['code.function', 0, 8, 'ksym']],
  ],
  ['a key that is a number, by type', i32, '[{name: code}]', [['code', 0, 4, 'int']]],
  ['a key that is text', array(char, 16), '[{name: comm}]', [['comm', 0, 16, 'string']]],
  [
    'an enum written with its decoder',
    struct('k', { op: enumeration('op', { read: 0 }) }),
    '[{name: op, decoders: [{name: enum, allow_unknown: true}]}]',
    [['op', 0, 4, 'enum 0=read']],
  ],
  [
    'sizes, their decoders from BTF',
    struct('k', { dev: u32, comm: array(char, 4), op: i8 }),
    '[{name: d, size: 4}, {name: c, size: 4}, {name: o, size: 1, padding: 3}]',
    [
      ['d', 0, 4, 'uint'],
      ['c', 4, 4, 'string'],
      ['o', 8, 1, 'int'],
    ],
  ],
  [
    'a size that includes the padding',
    struct('k', { dev: u32, op: u8 }),
    '[{name: d, size: 4}, {name: o, size: 4, decoders: [{name: uint}]}]',
    [
      ['d', 0, 4, 'uint'],
      ['o', 4, 4, 'uint'],
    ],
  ],
];

for (const [what, type, labels, expected] of derived) {
  test(`labels: ${what}`, () => {
    const yaml = `metrics: {counters: [{name: m${labels === '' ? '' : `, labels: ${labels}`}}]}`;
    const { tables } = plan(yaml, layout({ maps: [map('m', 'hash', type, u64)] }));
    assert.deepEqual(tables[0]!.labels.map(short), expected);
    assert.equal(tables[0]!.keySize, type.size);
  });
}

test('one series per CPU has the CPU behind the key', () => {
  const yaml = 'maps: {m: {per_cpu: cpu.number}}\nmetrics: {counters: [{name: m}]}';
  const { tables } = plan(yaml, layout({ maps: [map('m', 'percpu_hash', struct('k', { a: u32 }), u64)] }));
  assert.deepEqual(tables[0]!.labels.map(short), [
    ['a', 0, 4, 'uint'],
    ['cpu.number', 4, 2, 'uint'],
  ]);
  assert.equal(tables[0]!.keySize, 6);
  assert.deepEqual(tables[0]!.source, { kind: 'entries', map: 'm', perCpu: 'label', cache: undefined });
});

test('an enum that BTF names keeps what is written beside it', () => {
  const yaml = 'metrics: {counters: [{name: m, labels: [{name: op, decoders: [{name: enum, allow_unknown: true}]}]}]}';
  const key = struct('k', { op: enumeration('op', { read: 0 }) });
  const { tables } = plan(yaml, layout({ maps: [map('m', 'hash', key, u64)] }));
  assert.deepEqual(tables[0]!.labels[0]!.decoders, [
    { name: 'enum', staticMap: new Map([['0', 'read']]), allowUnknown: true },
  ]);
});

function short({ name, offset, size, decoders }: LabelPlan): Short {
  const texts = decoders.map((decoder) =>
    [decoder.name, ...[...(decoder.staticMap ?? [])].map(([number, text]) => `${number}=${text}`)].join(' '),
  );
  return [name, offset, size, ...texts];
}
