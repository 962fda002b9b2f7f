// The file of a BPF object, checked before libbpf sees it for all that it takes for granted, without the machine. May
// be imported by `libbpf`.

import { checkBtf } from '../btf/check.ts';
import { checkExtension } from '../btf/check-extension.ts';
import { broken, readLong, readSections, readString, type Section, SectionType } from './file.ts';

/** What libbpf does not look at, whatever is in it. */
const unused = /^\.(rela?\.?)?(debug|llvm|comment|note|eh_frame|symtab_shndx)/;
/** Sections of zeros, of which only the size counts. */
const zeros = /^\.(bss|tbss)(\.|$)/;
const instructionSize = 8;
/** The only instruction that takes two places: a load of 64 bits. */
const wideLoad = 0x18;
const symbolSize = 24;
const relocationSize = 16;
/** SHN_ABS and SHN_COMMON: no section, but no mistake. */
const otherSections: ReadonlySet<number> = new Set([0xfff1, 0xfff2]);
const functionType = 2;
const sectionType = 3;

export interface ObjectFacts {
  /** Whether it says under which license it is. */
  readonly hasLicense: boolean;
}

/**
 * Checks the file of a BPF object for all that libbpf takes for granted: versions before 1.5 or so read and write beyond what
 * they have where it isn't so, and end the process. What they do look at themselves, and what they pass over, is left to them.
 * Returns what libbpf doesn't tell. Throws MeterError('object') with the cause, without the file's name.
 */
export function checkObject(file: Uint8Array): ObjectFacts {
  const sections = readSections(file);
  for (const section of sections) checkSection(section);
  const tables = sections.filter(({ type }) => type === SectionType.symbols);
  if (tables.length !== 1) throw broken(`it has ${tables.length} tables of symbols, not one`);
  const symbols = readSymbols(tables[0]!, sections);
  for (const section of sections) {
    if (section.isCode && section.type === SectionType.contents) checkCode(section, symbols);
    if (section.type === SectionType.relocations && !unused.test(section.name)) {
      checkRelocations(section, sections, tables[0]!, symbols);
    }
  }
  checkTypes(sections);
  const license = sections.find(({ name }) => name === 'license');
  return { hasLicense: license !== undefined && license.bytes[0] !== undefined && license.bytes[0] !== 0 };
}

function checkSection(section: Section): void {
  const { name, type, size, isCode, isCompressed, alignment } = section;
  if (isCode && type !== SectionType.contents) throw broken(`section "${name}" has instructions, but no contents`);
  if (isCode && size % instructionSize !== 0) throw broken(`section "${name}" ends within an instruction`);
  if (type === SectionType.null || unused.test(name)) return;
  if (isCompressed) throw broken(`section "${name}" is compressed`);
  if (size >= 2 ** 31) throw broken(`section "${name}" has ${size} bytes`);
  if (!Number.isInteger(Math.log2(Math.max(alignment, 1))) || alignment > 2 ** 16) {
    throw broken(`section "${name}" is aligned to ${alignment}`);
  }
  if (type === SectionType.zeros && size > 0 && !zeros.test(name)) throw broken(`section "${name}" has no contents`);
}

interface Symbol {
  readonly isFunction: boolean;
  /** Undefined: in none, such as what others define. */
  readonly section: Section | undefined;
  readonly start: number;
  readonly size: number;
}

function readSymbols(table: Section, sections: readonly Section[]): readonly Symbol[] {
  const strings = sections[table.link];
  if (strings?.type !== SectionType.strings || strings.bytes.at(-1) !== 0) {
    throw broken(`the symbols' names are not in section ${table.link}`);
  }
  if (table.size % symbolSize !== 0 || table.entrySize !== symbolSize) throw broken('its table of symbols is cut off');
  return Array.from({ length: table.size / symbolSize }, (_, index) => readSymbol(table, strings, sections, index));
}

function readSymbol(table: Section, strings: Section, sections: readonly Section[], index: number): Symbol {
  const at = index * symbolSize;
  const { view } = table;
  const nameOffset = view.getUint32(at, true);
  const say = (cause: string) => broken(`symbol "${readString(strings.bytes, nameOffset)}" ${cause}`);
  if (nameOffset >= strings.size) throw broken(`the name of symbol ${index} is not within their table`);
  const type = view.getUint8(at + 4) & 0xf;
  const number = view.getUint16(at + 6, true);
  const section = number === 0 ? undefined : sections[number];
  if (number !== 0 && section === undefined && !otherSections.has(number)) {
    throw say(`is in section ${number}, which isn't there`);
  }
  const start = readLong(view, at + 8);
  const size = readLong(view, at + 16);
  if (section !== undefined && start + size > section.size) {
    throw say(`is not within its section "${section.name}"`);
  }
  if (type === sectionType && section === undefined) throw broken(`symbol ${index} stands for no section`);
  const isFunction = type === functionType;
  const isWhole = start % instructionSize === 0 && size % instructionSize === 0 && size > 0;
  if (isFunction && section?.isCode && !isWhole) throw say('begins or ends within an instruction');
  return { isFunction, section, start, size };
}

/** Each function is copied out of its section by itself, so a load must not reach beyond its end. */
function checkCode({ index, name, view, size }: Section, symbols: readonly Symbol[]): void {
  const ends = new Set([size]);
  const functions = symbols.filter((symbol) => symbol.isFunction && symbol.section?.index === index);
  for (const { start, size: length } of functions) ends.add(start).add(start + length);
  for (let at = 0; at < size; at += instructionSize) {
    if (view.getUint8(at) !== wideLoad) continue;
    at += instructionSize;
    if (ends.has(at)) throw broken(`section "${name}" has half an instruction at ${at - instructionSize}`);
  }
  const sorted = functions.toSorted((one, other) => one.start - other.start);
  for (const [i, { start }] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before !== undefined && before.start + before.size > start) {
      throw broken(`section "${name}" has functions that overlap, at ${start}`);
    }
  }
}

function checkRelocations(
  section: Section,
  sections: readonly Section[],
  table: Section,
  symbols: readonly Symbol[],
): void {
  const { name, view, size } = section;
  const target = sections[section.info];
  if (section.link !== table.index) throw broken(`section "${name}" is for other symbols`);
  if (target === undefined || target.type === SectionType.null) throw broken(`section "${name}" is for no section`);
  if (size % relocationSize !== 0 || section.entrySize !== relocationSize) throw broken(`section "${name}" is cut off`);
  for (let at = 0; at < size; at += relocationSize) {
    const offset = readLong(view, at);
    const symbol = symbols[view.getUint32(at + 12, true)];
    if (symbol === undefined) throw broken(`section "${name}" refers to a symbol that isn't there`);
    const room = target.isCode ? instructionSize : 4;
    if (offset + room > target.size) throw broken(`section "${name}" is for more than "${target.name}" has`);
    if (!target.isCode) continue;
    if (offset % instructionSize !== 0) throw broken(`section "${name}" is for parts of instructions`);
  }
}

function checkTypes(sections: readonly Section[]): void {
  const [types, second] = sections.filter(({ name }) => name === '.BTF');
  const [extension, another] = sections.filter(({ name }) => name === '.BTF.ext');
  if (second !== undefined || another !== undefined) throw broken('it has types (.BTF) twice');
  if (types === undefined) return;
  if (types.type !== SectionType.contents) throw broken('its types (.BTF) are of another kind of section');
  const btf = checkBtf(types.bytes);
  if (extension === undefined) return;
  const codeSize = (name: string) => sections.find((one) => one.isCode && one.name === name)?.size;
  checkExtension(extension.bytes, btf, codeSize);
}
