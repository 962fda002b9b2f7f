import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SymbolTable } from '../../src/kernel/symbol-table.ts';

const text = `0000000000000000 A fixed_percpu_data
0000000000001000 A cpu_debug_store
ffffffff81000000 T startup_64
ffffffff81000000 T _stext
ffffffff81000040 t a
ffffffffc0201000 t nf_hook_slow\t[nf_tables]
ffffffffc0100000 t earlier_address\t[later_module]
`;
const cases: readonly (readonly [address: bigint, name: string | undefined])[] = [
  [0n, 'fixed_percpu_data'],
  [0x1000n, 'cpu_debug_store'],
  [0xffffffff81000000n, 'startup_64'],
  [0xffffffff81000040n, 'a'],
  [0xffffffffc0201000n, 'nf_hook_slow\t[nf_tables]'],
  [0xffffffffc0100000n, 'earlier_address\t[later_module]'],
  [0xffffffff81000001n, undefined],
  [0x81000000n, undefined],
  [0xffffffff00000000n, undefined],
  [0xffffffffffffffffn, undefined],
];

for (const [address, name] of cases) {
  test(`0x${address.toString(16)} → ${name}`, () => {
    assert.equal(new SymbolTable(Buffer.from(text)).find(address), name);
  });
}

test('each of many symbols is found, whatever their order', () => {
  const addresses = Array.from({ length: 5000 }, (_, i) => 0xffffffff80000000n + BigInt((i * 7919) % 5000) * 16n);
  const lines = addresses.map((address) => `${address.toString(16)} t f${address & 0xfffffn}\n`);
  const table = new SymbolTable(Buffer.from(lines.join('')));
  for (const address of addresses) {
    assert.equal(table.find(address), `f${address & 0xfffffn}`);
    assert.equal(table.find(address + 1n), undefined);
  }
});

test('the shortest possible lines leave room to look for what is not there', () => {
  const lines = Array.from({ length: 4096 }, (_, i) => `${i.toString(16).padStart(16, '0')} t x\n`);
  const table = new SymbolTable(Buffer.from(lines.join('')));
  assert.equal(table.find(4095n), 'x');
  assert.equal(table.find(4096n), undefined);
});

test('addresses that are all zero are hidden ones', () => {
  const zeros = '0000000000000000 T startup_64\n0000000000000000 T _stext\n';
  assert.equal(new SymbolTable(Buffer.from(zeros)).hidden, true);
  assert.equal(new SymbolTable(Buffer.from(text)).hidden, false);
  assert.equal(new SymbolTable(Buffer.alloc(0)).hidden, false);
});

test('lines that are none are left out', () => {
  const table = new SymbolTable(
    Buffer.from('\nffffffff81000000 T\nnonsense\nffffffff81000010 T good\nffffffff81000020 T cut'),
  );
  assert.equal(table.find(0xffffffff81000010n), 'good');
  assert.equal(table.find(0xffffffff81000000n), undefined);
  assert.equal(table.find(0xffffffff81000020n), undefined);
});

const code = `0000000000001000 A cpu_debug_store
ffffffff81000000 T startup_64
ffffffff81000000 T _stext
ffffffff81000040 t a
ffffffff81000100 d data
ffffffff81000200 W weak
ffffffffc0201000 t nf_hook_slow\t[nf_tables]
ffffffffc0100000 t earlier_address\t[later_module]
`;
const around: readonly (readonly [address: bigint, name: string | undefined])[] = [
  [0x1000n, undefined],
  [0xffffffff80ffffffn, undefined],
  [0xffffffff81000000n, 'startup_64'],
  [0xffffffff8100003fn, 'startup_64'],
  [0xffffffff81000040n, 'a'],
  [0xffffffff81000180n, 'a'],
  [0xffffffff81000200n, 'weak'],
  [0xffffffff81100200n, 'weak'],
  [0xffffffff81100201n, undefined],
  [0xffffffffc0100010n, 'earlier_address\t[later_module]'],
  [0xffffffffc0201010n, 'nf_hook_slow\t[nf_tables]'],
  [0xffffffffffffffffn, undefined],
];

for (const [address, name] of around) {
  test(`0x${address.toString(16)} is in ${name}`, () => {
    assert.equal(new SymbolTable(Buffer.from(code)).findFunction(address), name);
  });
}

test('a table without functions has none around', () => {
  assert.equal(new SymbolTable(Buffer.alloc(0)).findFunction(0xffffffff81000000n), undefined);
});
