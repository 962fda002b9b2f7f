import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { symbolAddresses } from '../../src/kernel/symbol-addresses.ts';

function root(kallsyms: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'addresses-'));
  mkdirSync(join(folder, 'proc'));
  writeFileSync(join(folder, 'proc', 'kallsyms'), kallsyms);
  return folder;
}

const kallsyms = `ffffffff81000000 T vfs_read_more
ffffffff81000010 T vfs_read
ffffffff81000020 t twice
ffffffff81000030 t twice
ffffffff81000040 t twice.cold
ffffffffc0000000 D state\t[nf_tables]
0000000000000000 A fixed_percpu
ffffffff81000050 D last`;

test('addresses by whole names, the first of several, of modules too', () => {
  const names = ['vfs_read', 'twice', 'state', 'last', 'vfs', 'more', 'nf_tables', 'fixed_percpu', 'T'];
  const { found, hidden } = symbolAddresses(names, root(kallsyms));
  assert.equal(hidden, false);
  assert.deepEqual(
    found,
    new Map([
      ['vfs_read', 0xffffffff81000010n],
      ['twice', 0xffffffff81000020n],
      ['state', 0xffffffffc0000000n],
      ['last', 0xffffffff81000050n],
      ['fixed_percpu', 0n],
    ]),
  );
});

test('zeros are what a process without the right sees', () => {
  const zeros = kallsyms.replaceAll(/^\w{16}/gm, '0'.repeat(16));
  assert.deepEqual(symbolAddresses(['vfs_read', 'nothing'], root(zeros)), { found: new Map(), hidden: true });
  assert.deepEqual(symbolAddresses(['nothing'], root(zeros)), { found: new Map(), hidden: false });
});

test('a kernel that tells nothing throws', () => {
  assert.throws(() => symbolAddresses(['vfs_read'], mkdtempSync(join(tmpdir(), 'addresses-'))), { code: 'ENOENT' });
});
