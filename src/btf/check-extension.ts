import { MeterError } from '../errors.ts';
import { type BtfRecords, Kind } from './records.ts';

function broken(cause: string): MeterError {
  return new MeterError('object', `BTF.ext: ${cause}`);
}

/** Kinds of CO-RE relocations that there are: enum bpf_core_relo_kind of include/uapi/linux/bpf.h. */
const relocationKinds = 13;

/**
 * Checks what BTF has beside its types: which function is of which type, which instruction is of which line of the source, and
 * which are to be adapted to the kernel's types. `codeSize` gives the bytes of a section of instructions by its name.
 * Throws MeterError('object'). Source: Documentation/bpf/btf.rst of the kernel, section 4.2.
 */
export function checkExtension(
  bytes: Uint8Array,
  btf: BtfRecords,
  codeSize: (section: string) => number | undefined,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 24) throw broken('less than its header');
  const headerLength = view.getUint32(4, true);
  if (headerLength < 24 || headerLength > bytes.length) throw broken(`a header of ${headerLength} bytes`);
  const isKind = (type: number, kind: number) => btf.records[type]?.kind === kind;
  const parts: readonly Part[] = [
    { name: 'functions', at: 8, least: 8, check: (at) => isKind(view.getUint32(at + 4, true), Kind.function) },
    {
      name: 'lines',
      at: 16,
      least: 16,
      check: (at) => hasStrings(btf, [view.getUint32(at + 4, true), view.getUint32(at + 8, true)]),
    },
    {
      name: 'relocations',
      at: 24,
      least: 16,
      check: (at) =>
        (btf.records[view.getUint32(at + 4, true)]?.kind ?? Kind.void) !== Kind.void &&
        hasStrings(btf, [view.getUint32(at + 8, true)]) &&
        view.getUint32(at + 12, true) < relocationKinds,
    },
  ];
  for (const part of parts) {
    if (part.at + 8 <= headerLength) checkPart(view, headerLength, part, btf, codeSize);
  }
}

interface Part {
  readonly name: string;
  /** Where the header has its place and length. */
  readonly at: number;
  /** Bytes that a record has at least. */
  readonly least: number;
  /** Whether the record at this place can be so. */
  check(at: number): boolean;
}

function checkPart(
  view: DataView,
  headerLength: number,
  { name, at: place, least, check }: Part,
  btf: BtfRecords,
  codeSize: (section: string) => number | undefined,
): void {
  const start = headerLength + view.getUint32(place, true);
  const length = view.getUint32(place + 4, true);
  if (length === 0) return;
  const end = start + length;
  if (start % 4 !== 0 || length < 4 || end > view.byteLength) throw broken(`its ${name} are not within`);
  const recordSize = view.getUint32(start, true);
  if (recordSize < least || recordSize % 4 !== 0) throw broken(`its ${name} have ${recordSize} bytes each`);
  let at = start + 4;
  while (at < end) {
    if (at + 8 > end) throw broken(`its ${name} are cut off`);
    const section = btf.string(view.getUint32(at, true));
    const count = view.getUint32(at + 4, true);
    at += 8;
    if (count === 0 || at + count * recordSize > end) throw broken(`its ${name} are cut off`);
    const size = codeSize(section);
    if (size === undefined) throw broken(`its ${name} are of "${section}", which is no section of instructions`);
    for (let index = 0; index < count; index++, at += recordSize) {
      const offset = view.getUint32(at, true);
      if (offset % 8 !== 0 || offset >= size || !check(at)) throw broken(`its ${name} of "${section}" are wrong`);
    }
  }
}

function hasStrings(btf: BtfRecords, offsets: readonly number[]): boolean {
  return offsets.every((offset) => btf.hasString(offset));
}
