import { MeterError } from '../errors.ts';

/** Kinds of BTF records that matter here. Source: Documentation/bpf/btf.rst of the kernel, section 2.2. */
export const Kind = {
  void: 0,
  int: 1,
  pointer: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  forward: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  function: 12,
  prototype: 13,
  variable: 14,
  section: 15,
  float: 16,
  declTag: 17,
  typeTag: 18,
  enum64: 19,
} as const;

/** One type as it stands in the BTF, its references still numbers. */
export interface BtfRecord {
  readonly kind: number;
  readonly name: string;
  /** Whether the record's kind_flag is set: bitfields for a struct, signed values for an enum. */
  readonly flag: boolean;
  /** Bytes, or the number of the type that is referred to: the two share a field. */
  readonly sizeOrType: number;
  /** What follows the record: the view is on all bytes, `data` is where it begins. */
  readonly view: DataView;
  readonly data: number;
  /** Number of members, values, parameters or variables. */
  readonly length: number;
}

const magic = 0xeb9f;
/** Bytes of a record before what its kind adds. */
export const recordSize = 12;

/** Bytes behind the record, by kind; undefined for an unknown one. */
export function trailing(kind: number, length: number): number | undefined {
  switch (kind) {
    case Kind.int:
    case Kind.variable:
    case Kind.declTag:
      return 4;
    case Kind.array:
      return 12;
    case Kind.struct:
    case Kind.union:
    case Kind.section:
    case Kind.enum64:
      return 12 * length;
    case Kind.enum:
    case Kind.prototype:
      return 8 * length;
    default:
      return kind > Kind.void && kind <= Kind.typeTag ? 0 : undefined;
  }
}

export interface BtfRecords {
  /** By type number; 0 is void. */
  readonly records: readonly BtfRecord[];
  /** The string at an offset of the string section. */
  string(offset: number): string;
  /** Whether there is one at this offset, where the strings end as they should. */
  hasString(offset: number): boolean;
}

function broken(cause: string): MeterError {
  return new MeterError('object', `BTF: ${cause}`, { remedy: 'Compile the object again, with clang -target bpf -g' });
}

/** Where raw BTF has its types and its strings, in bytes from its start. */
interface BtfHeader {
  readonly view: DataView;
  readonly headerLength: number;
  readonly typesStart: number;
  readonly typesEnd: number;
  readonly stringsStart: number;
  readonly stringsEnd: number;
}

/** Throws MeterError('object') where the bytes aren't little-endian BTF. */
export function readHeader(bytes: Uint8Array): BtfHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 24) throw broken(`only ${bytes.length} bytes, less than its header`);
  if (view.getUint16(0, true) !== magic)
    throw broken(`begins with 0x${view.getUint16(0, true).toString(16)}, not 0xeb9f`);
  const headerLength = view.getUint32(4, true);
  const typesStart = headerLength + view.getUint32(8, true);
  const typesEnd = typesStart + view.getUint32(12, true);
  const stringsStart = headerLength + view.getUint32(16, true);
  const stringsEnd = stringsStart + view.getUint32(20, true);
  if (typesEnd > bytes.length || stringsEnd > bytes.length) {
    throw broken(`${bytes.length} bytes, though its header says ${Math.max(typesEnd, stringsEnd)}`);
  }
  return { view, headerLength, typesStart, typesEnd, stringsStart, stringsEnd };
}

/**
 * Splits raw little-endian BTF into its records.
 * Throws MeterError('object') where the bytes aren't BTF or have a kind that is unknown, whose length can't be told.
 */
export function readRecords(bytes: Uint8Array): BtfRecords {
  const { view, typesStart, typesEnd, stringsStart, stringsEnd } = readHeader(bytes);
  const decoder = new TextDecoder();
  const outside = (offset: number) => broken(`string at ${offset} is outside of its strings`);
  const hasString = (offset: number) => stringsStart + offset < stringsEnd;
  const string = (offset: number): string => {
    const start = stringsStart + offset;
    const end = bytes.indexOf(0, start);
    if (!hasString(offset) || end === -1 || end >= stringsEnd) throw outside(offset);
    return decoder.decode(bytes.subarray(start, end));
  };

  const records: BtfRecord[] = [
    { kind: Kind.void, name: 'void', flag: false, sizeOrType: 0, view, data: 0, length: 0 },
  ];
  let position = typesStart;
  while (position < typesEnd) {
    if (position + recordSize > typesEnd) throw broken(`type ${records.length} is cut off`);
    const info = view.getUint32(position + 4, true);
    const kind = (info >>> 24) & 0x1f;
    const length = info & 0xffff;
    const more = trailing(kind, length);
    if (more === undefined) throw broken(`type ${records.length} is of the unknown kind ${kind}`);
    if (position + recordSize + more > typesEnd) throw broken(`type ${records.length} is cut off`);
    const nameOffset = view.getUint32(position, true);
    if (!hasString(nameOffset)) throw outside(nameOffset);
    const data = position + recordSize;
    const sizeOrType = view.getUint32(position + 8, true);
    const flag = info >>> 31 === 1;
    records.push({
      kind,
      // Most are never asked for theirs.
      get name() {
        return string(nameOffset);
      },
      flag,
      sizeOrType,
      view,
      data,
      length,
    });
    position += recordSize + more;
  }
  return { records, string, hasString };
}
