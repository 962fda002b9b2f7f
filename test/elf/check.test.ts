import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkObject } from '../../src/elf/check.ts';
import { readSections } from '../../src/elf/file.ts';
import { compileFixture } from '../fixtures/compile.ts';

const whole = Uint8Array.from(readFileSync(compileFixture('types')));
const headers = Number(new DataView(whole.buffer).getBigUint64(40, true));
const sections = readSections(whole);
const at = (name: string) => sections.find((section) => section.name === name)!;
/** Where the section's header is, and where it is itself. */
const header = (name: string) => headers + at(name).index * 64;
const place = (name: string) => at(name).bytes.byteOffset;
const code = 'tp_btf/sys_enter';

test('shipped objects and those of tests are taken', () => {
  const shipped = join(import.meta.dirname, '..', '..', 'build', 'programs');
  const objects = readdirSync(shipped, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.bpf.o'));
  assert.ok(objects.length > 20);
  for (const name of objects) checkObject(readFileSync(join(shipped, name)));
  for (const name of ['types', 'every-map', 'attach-kinds', 'exporter/maps', 'exporter/functions']) {
    checkObject(readFileSync(compileFixture(name)));
  }
});

/** The number of the first symbol that is a function. */
const functionSymbol = Array.from({ length: at('.symtab').size / 24 }, (_, index) => index).find(
  (index) => (at('.symtab').view.getUint8(index * 24 + 4) & 0xf) === 2,
)!;
const symbol = place('.symtab') + functionSymbol * 24;
const relocation = place(`.rel${code}`);

for (const [what, change, cause] of [
  ['32 bits', (view) => view.setUint8(4, 1), /ELF of 32 bits/],
  ['big-endian', (view) => view.setUint8(5, 2), /not of little-endian ELF/],
  ['an executable', (view) => view.setUint16(16, 2, true), /no relocatable ELF object/],
  ['for x86-64', (view) => view.setUint16(18, 62, true), /compiled for machine 62, not for BPF/],
  ['no sections', (view) => view.setUint16(60, 0, true), /it has 0 sections/],
  ['more sections than fit', (view) => view.setUint16(60, 60_000, true), /section headers are not within the file/],
  ['names in another section', (view) => view.setUint16(62, 500, true), /no table of section names/],
  [
    'a section behind the end',
    (view) => view.setBigUint64(header('license') + 24, 2n ** 40n, true),
    /section \d+ is not within the file/,
  ],
  [
    'a size that wraps around',
    (view) => view.setBigUint64(header('license') + 32, 2n ** 64n - 8n, true),
    /not within the file/,
  ],
  [
    'a name behind the end',
    (view) => view.setUint32(header('license'), 2 ** 30, true),
    /the name of section \d+ is not within/,
  ],
  [
    'a license without contents',
    (view) => view.setUint32(header('license') + 4, 8, true),
    /section "license" has no contents/,
  ],
  [
    'instructions without contents',
    (view) => view.setUint32(header(code) + 4, 8, true),
    /section "tp_btf.sys_enter" has/,
  ],
  [
    'half an instruction at the end',
    (view) => view.setBigUint64(header(code) + 32, BigInt(at(code).size - 4), true),
    /ends within an instruction|not within its section/,
  ],
  [
    'a section that is compressed',
    (view) => view.setUint32(header('.BTF') + 8, 0x800, true),
    /section ".BTF" is compressed/,
  ],
  ['two tables of symbols', (view) => view.setUint32(header('.maps') + 4, 2, true), /it has 2 tables of symbols/],
  [
    'symbols without names',
    (view) => view.setUint32(header('.symtab') + 40, 0, true),
    /the symbols' names are not in section 0/,
  ],
  ['a symbol without a name', (view) => view.setUint32(symbol, 2 ** 30, true), /the name of symbol \d+ is not within/],
  ['a symbol of no section', (view) => view.setUint16(symbol + 6, 400, true), /is in section 400, which isn't there/],
  [
    'a function behind the end',
    (view) => view.setBigUint64(symbol + 8, 800_000n, true),
    /symbol "use_all" is not within its section/,
  ],
  [
    'a function that wraps around',
    (view) => view.setBigUint64(symbol + 8, 2n ** 64n - 8n, true),
    /is not within its section/,
  ],
  [
    'a function of half an instruction',
    (view) => view.setBigUint64(symbol + 16, 4n, true),
    /begins or ends within an instruction/,
  ],
  [
    'a load that reaches beyond its function',
    (view) => view.setUint8(place(code) + at(code).size - 8, 0x18),
    /has half an instruction at/,
  ],
  [
    'a relocation behind the end',
    (view) => view.setBigUint64(relocation, 2n ** 33n, true),
    /is for more than "tp_btf.sys_enter" has/,
  ],
  [
    'a relocation within an instruction',
    (view) => view.setBigUint64(relocation, 4n, true),
    /is for parts of instructions/,
  ],
  [
    'a relocation to no symbol',
    (view) => view.setUint32(relocation + 12, 9999, true),
    /refers to a symbol that isn't there/,
  ],
  ['relocations for no section', (view) => view.setUint32(header(`.rel${code}`) + 44, 999, true), /is for no section/],
  [
    'relocations of another table',
    (view) => view.setUint32(header(`.rel${code}`) + 40, 1, true),
    /is for other symbols/,
  ],
  [
    'types that refer to nothing',
    (view) => view.setUint32(place('.BTF') + 24 + 8, 9999, true),
    /BTF: type 1 refers to type 9999/,
  ],
  [
    'a line behind the end',
    (view) => view.setUint32(place('.BTF.ext') + 20, 2 ** 30, true),
    /BTF.ext: its lines are not within/,
  ],
] as const satisfies [string, (view: DataView) => void, RegExp][]) {
  test(`refused: ${what}`, () => {
    const file = Uint8Array.from(whole);
    change(new DataView(file.buffer));
    assert.throws(() => checkObject(file), { name: 'MeterError', code: 'object', message: cause });
  });
}

test('a section of nothing is passed over, whatever else its header says', () => {
  const file = Uint8Array.from(whole);
  const view = new DataView(file.buffer);
  view.setUint32(header('.text') + 4, 0, true);
  view.setBigUint64(header('.text') + 8, 4n, true);
  view.setBigUint64(header('.text') + 32, 64n, true);
  checkObject(file);
});

test('refused, or taken, and never anything else: every length of an object', () => {
  for (let length = 0; length < whole.length; length += 7) {
    assert.throws(() => checkObject(whole.subarray(0, length)), { name: 'MeterError', code: 'object' });
  }
});

test('whether there is a license', () => {
  assert.equal(checkObject(whole).hasLicense, true);
  const file = Uint8Array.from(whole);
  file[place('license')] = 0;
  assert.equal(checkObject(file).hasLicense, false);
  assert.equal(checkObject(readFileSync(compileFixture('incomplete'))).hasLicense, false);
});

test('instructions in sections of any name and type are refused, or passed over', () => {
  for (const type of [0, 2, 3, 8, 9, 0x6fff4c03]) {
    const file = Uint8Array.from(whole);
    const view = new DataView(file.buffer);
    view.setUint32(header(code) + 4, type, true);
    // Named as the section of DWARF.
    view.setUint32(header(code), view.getUint32(header('.debug_info'), true), true);
    assert.throws(() => checkObject(file), { name: 'MeterError', code: 'object' }, `type ${type}`);
  }
});
