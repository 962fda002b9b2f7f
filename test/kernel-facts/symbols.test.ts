import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { MeterError } from '../../src/errors.ts';
import { createSymbols } from '../../src/kernel/symbols.ts';
import { FakeRoot } from './fake-root.ts';

function setUp(root: FakeRoot) {
  const clock = { now: 0 };
  const warnings: MeterError[] = [];
  const forgotten = { count: 0 };
  const { at: symbol, around } = createSymbols({
    root: root.path,
    now: () => clock.now,
    warn: (warning) => warnings.push(warning),
    forgotten: () => void forgotten.count++,
  });
  return { clock, warnings, symbol, around, forgotten };
}

const KERNEL = 'ffffffff81000000 T _text\n';
const MODULE = 'ffffffffc0201000 t hook\t[extra]\n';

test('symbols are read when first asked for, and once', () => {
  using root = new FakeRoot();
  const { symbol } = setUp(root);
  root.write('proc/kallsyms', KERNEL);
  assert.equal(symbol(0xffffffff81000000n), '_text');
  root.remove('proc/kallsyms');
  assert.equal(symbol(0xffffffff81000000n), '_text');
});

test('an unknown address is looked for again when the modules changed, 5 s after the last look at the soonest', () => {
  using root = new FakeRoot();
  const { symbol, clock } = setUp(root);
  root.write('proc/kallsyms', KERNEL);
  root.write('proc/modules', '');
  assert.equal(symbol(0xffffffffc0201000n), undefined);

  root.write('proc/kallsyms', KERNEL + MODULE);
  clock.now = 5000;
  assert.equal(symbol(0xffffffffc0201000n), undefined, 'the modules are the same');

  root.write('proc/modules', 'extra 16384 0 - Live 0xffffffffc0200000\n');
  clock.now = 9999;
  assert.equal(symbol(0xffffffffc0201000n), undefined, 'too soon');
  clock.now = 10_000;
  assert.equal(symbol(0xffffffffc0201000n), 'hook\t[extra]');

  root.write('proc/modules', '');
  root.write('proc/kallsyms', KERNEL);
  clock.now = 20_000;
  assert.equal(symbol(0x1n), undefined);
  assert.equal(symbol(0xffffffffc0201000n), undefined, 'the module is gone');
});

test('code of a module that came later is not taken for the end of other code', () => {
  using root = new FakeRoot();
  const { around, clock } = setUp(root);
  root.write('proc/kallsyms', 'ffffffffc0200000 t old\t[other]\n');
  root.write('proc/modules', '');
  assert.equal(around(0xffffffffc0200010n), 'old\t[other]');
  root.write('proc/kallsyms', `ffffffffc0200000 t old\t[other]\n${MODULE}`);
  root.write('proc/modules', 'extra 16384 0 - Live 0xffffffffc0201000\n');
  clock.now = 5000;
  assert.equal(around(0xffffffffc0201010n), 'hook\t[extra]');
});

test('the table is forgotten when nobody asked for a minute', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  using root = new FakeRoot();
  const { symbol } = setUp(root);
  root.write('proc/kallsyms', KERNEL);
  assert.equal(symbol(0xffffffff81000000n), '_text');
  root.write('proc/kallsyms', 'ffffffff81000000 T renamed\n');
  t.mock.timers.tick(60_000);
  assert.equal(symbol(0xffffffff81000000n), '_text', 'asked in the first minute');
  t.mock.timers.tick(60_000);
  assert.equal(symbol(0xffffffff81000000n), '_text', 'asked in the second minute');
  t.mock.timers.tick(60_000);
  t.mock.timers.tick(60_000);
  assert.equal(symbol(0xffffffff81000000n), 'renamed');
});

test('hidden addresses are told once, and no symbol is known', () => {
  using root = new FakeRoot();
  const { symbol, warnings } = setUp(root);
  root.write('proc/kallsyms', '0000000000000000 T _text\n0000000000000000 T _stext\n');
  assert.equal(symbol(0n), undefined);
  assert.equal(symbol(0xffffffff81000000n), undefined);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!.message, /proc\/kallsyms: every address is zero/);
  assert.match(warnings[0]!.remedy!, /CAP_SYSLOG.*kernel\.kptr_restrict/);
});

test('a kernel without kallsyms is told once, with the reason', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  using root = new FakeRoot();
  const { symbol, warnings } = setUp(root);
  assert.equal(symbol(0xffffffff81000000n), undefined);
  t.mock.timers.tick(60_000);
  t.mock.timers.tick(60_000);
  assert.equal(symbol(0xffffffff81000000n), undefined);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!.message, /proc\/kallsyms: ENOENT/);
  assert.equal((warnings[0]!.cause as NodeJS.ErrnoException).code, 'ENOENT');
});

test('text larger than the first buffer is read whole', () => {
  using root = new FakeRoot();
  const { symbol } = setUp(root);
  const line = (i: number) => `${(0xffffffff80000000n + BigInt(i)).toString(16)} t ${'x'.repeat(80)}${i}\n`;
  const count = Math.ceil((17 << 20) / line(0).length);
  root.write('proc/kallsyms', Array.from({ length: count }, (_, i) => line(i)).join(''));
  assert.equal(symbol(0xffffffff80000000n), `${'x'.repeat(80)}0`);
  assert.equal(symbol(0xffffffff80000000n + BigInt(count - 1)), `${'x'.repeat(80)}${count - 1}`);
});

test('the table is given back after a whole period without a question, and read again for the next', (context) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  context.after(() => mock.timers.reset());
  using root = new FakeRoot();
  const { symbol, forgotten } = setUp(root);
  root.write('proc/kallsyms', KERNEL);
  assert.equal(symbol(0xffffffff81000000n), '_text');
  mock.timers.tick(5000);
  assert.equal(symbol(0xffffffff81000000n), '_text');
  mock.timers.tick(5000);
  assert.equal(forgotten.count, 0, 'there was a question in both periods');
  mock.timers.tick(5000);
  assert.equal(forgotten.count, 1);
  root.write('proc/kallsyms', KERNEL + MODULE);
  assert.equal(symbol(0xffffffffc0201000n), 'hook\t[extra]');
});
