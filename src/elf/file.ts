import { MeterError } from '../errors.ts';

/** Section types of the ELF specification that objects have. */
export const SectionType = {
  null: 0,
  contents: 1,
  symbols: 2,
  strings: 3,
  addends: 4,
  zeros: 8,
  relocations: 9,
} as const;

/** SHF_EXECINSTR: the section holds instructions. */
const executable = 4;

export interface Section {
  readonly index: number;
  readonly name: string;
  /** One of SectionType, or of what nobody here looks at. */
  readonly type: number;
  readonly isCode: boolean;
  readonly isCompressed: boolean;
  /** Bytes of an entry, where it is a table. */
  readonly entrySize: number;
  readonly alignment: number;
  /** Bytes; those of a section of zeros aren't in the file. */
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Numbers of other sections, whose meaning is the type's. */
  readonly link: number;
  readonly info: number;
}

const headerSize = 64;
const sectionHeaderSize = 64;
const bpfMachine = 247;
const relocatable = 1;
/** SHN_LORESERVE: section numbers from here on mean something else. */
const firstReserved = 0xff00;

/** What isn't as the ELF specification, or libbpf, has it; `cause` says what, without the file. */
export function broken(cause: string): MeterError {
  return new MeterError('object', cause);
}

/** A 64-bit number; what is beyond 2^53 is beyond every file too. */
export function readLong(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 2 ** 32;
}

/**
 * The sections of a BPF object's file, by their numbers, each within the file.
 * Throws MeterError('object') where it isn't one: little-endian ELF of 64 bits, relocatable, for BPF.
 * Source: the System V ABI, chapters 4 and 5 (elf(5)).
 */
export function readSections(file: Uint8Array): readonly Section[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < headerSize || view.getUint32(0) !== 0x7f454c46) throw broken('not an ELF file');
  if (file[4] !== 2) throw broken('ELF of 32 bits, not of 64');
  if (file[5] !== 1) throw broken('not of little-endian ELF');
  if (view.getUint16(16, true) !== relocatable) throw broken('no relocatable ELF object, as a compiler makes it');
  const machine = view.getUint16(18, true);
  if (machine !== bpfMachine && machine !== 0) throw broken(`compiled for machine ${machine}, not for BPF (247)`);
  if (file[6] !== 1 || view.getUint32(20, true) !== 1) throw broken('of an unknown version of ELF');

  const start = readLong(view, 40);
  const count = view.getUint16(60, true);
  if (view.getUint16(58, true) !== sectionHeaderSize)
    throw broken('its section headers have another size than ELF has');
  if (count === 0 || count >= firstReserved) throw broken(`it has ${count} sections`);
  if (start < headerSize || start % 8 !== 0 || start + count * sectionHeaderSize > file.length) {
    throw broken('its section headers are not within the file, which may be cut off');
  }
  const headers = Array.from({ length: count }, (_, index) => readHeader(file, view, start, index));
  const names = headers[view.getUint16(62, true)];
  if (names?.type !== SectionType.strings) throw broken('it has no table of section names');
  const sections = headers.map((header) => {
    const name = readString(names.bytes, header.nameOffset);
    if (name === undefined) throw broken(`the name of section ${header.index} is not within their table`);
    return { ...header, name };
  });
  // libelf reads the first, which has no contents, for what the header has no room for.
  if (sections[0]!.type !== SectionType.null) throw broken('its first section is not empty');
  return sections;
}

function readHeader(file: Uint8Array, view: DataView, start: number, index: number) {
  const at = start + index * sectionHeaderSize;
  const type = view.getUint32(at + 4, true);
  const flags = readLong(view, at + 8);
  const offset = readLong(view, at + 24);
  const size = readLong(view, at + 32);
  const inFile = type === SectionType.null || type === SectionType.zeros ? 0 : size;
  const isInside = Number.isSafeInteger(offset + inFile) && offset + inFile <= file.length;
  if (inFile > 0 && !isInside) throw broken(`section ${index} is not within the file, which may be cut off`);
  const bytes = inFile === 0 ? new Uint8Array() : file.subarray(offset, offset + inFile);
  return {
    index,
    nameOffset: view.getUint32(at, true),
    type,
    isCode: type !== SectionType.null && (flags & executable) !== 0,
    isCompressed: (flags & 0x800) !== 0,
    size,
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    link: view.getUint32(at + 40, true),
    info: view.getUint32(at + 44, true),
    entrySize: readLong(view, at + 56),
    alignment: readLong(view, at + 48),
  };
}

const decoder = new TextDecoder();

/** The string at an offset of a table of strings; undefined where it isn't within. */
export function readString(table: Uint8Array, offset: number): string | undefined {
  const end = offset < table.length ? table.indexOf(0, offset) : -1;
  return end === -1 ? undefined : decoder.decode(table.subarray(offset, end));
}
