import { LabelReader } from '../../../metrics/label-text.ts';
import { isOverflow, OVERFLOW_ATTRIBUTE } from '../../../metrics/overflow.ts';
import type { RowTexts } from '../../../metrics/rows.ts';
import { copyBytes } from '../../wire/copy-bytes.ts';
import { endMessage, implicitStringField } from '../../wire/protobuf.ts';

/** Field `attributes` of a NumberDataPoint; those of histograms have other numbers, see `copyLabels`. */
export const NUMBER_ATTRIBUTES = 0x3a;
/** Of a KeyValue its value, of an AnyValue its string_value. */
const VALUE = 0x12;
const STRING_VALUE = 0x0a;
const BOOL_TRUE = [0x10, 1];
/** The one attribute that is no string: true, as the specification has it. */
const OVERFLOW = overflowAttribute();

/** The attributes of one table's rows as protobuf, made once per series from its labels' text. */
export class EncodedLabels {
  bytes: Buffer = Buffer.alloc(0);
  starts = new Int32Array(0);
  lengths = new Int32Array(0);
  readonly #keys: readonly Buffer[];
  readonly #isOverflow: boolean;
  readonly #reader = new LabelReader();
  #end = 0;
  #garbage = 0;

  /** `names` are the labels' in the order of the text. */
  constructor(names: readonly string[]) {
    this.#keys = names.map((name) => implicitStringField(1, name));
    this.#isOverflow = isOverflow(names.map((name) => ({ name })));
  }

  /** Makes room for so many rows. */
  reserve(rows: number): void {
    if (rows <= this.starts.length) return;
    const capacity = Math.max(rows, Math.ceil(this.starts.length * 1.5));
    const starts = new Int32Array(capacity);
    const lengths = new Int32Array(capacity);
    starts.set(this.starts);
    lengths.set(this.lengths);
    this.starts = starts;
    this.lengths = lengths;
  }

  /** The row has these labels from now on. */
  set(row: number, { bytes, starts, lengths }: RowTexts): void {
    this.release(row);
    const length = lengths[row]!;
    // An escaped character is one byte shorter than its text; each label has three tags and three lengths around it, which move.
    this.#reserveBytes(length + this.#keys.reduce((sum, key) => sum + key.length + 24, 0));
    this.starts[row] = this.#end;
    if (this.#isOverflow) {
      this.#end += OVERFLOW.copy(this.bytes, this.#end);
      this.lengths[row] = OVERFLOW.length;
      return;
    }
    this.#reader.begin(bytes, starts[row]!);
    for (const key of this.#keys) this.#append(key, this.#reader);
    this.lengths[row] = this.#end - this.starts[row]!;
  }

  release(row: number): void {
    this.#garbage += this.lengths[row]!;
    this.lengths[row] = 0;
  }

  /** The row's attributes, for longer than the row lasts. */
  copy(row: number): Buffer {
    const start = this.starts[row]!;
    return Buffer.from(this.bytes.subarray(start, start + this.lengths[row]!));
  }

  /** Gives back what released rows had. */
  compact(): void {
    if (this.#garbage < 65_536 || this.#garbage * 2 < this.#end) return;
    const packed = Buffer.allocUnsafeSlow(this.#end - this.#garbage + 4096);
    let end = 0;
    for (let row = 0; row < this.starts.length; row++) {
      const start = this.starts[row]!;
      const length = this.lengths[row]!;
      if (length === 0) continue;
      this.bytes.copy(packed, end, start, start + length);
      this.starts[row] = end;
      end += length;
    }
    this.bytes = packed;
    this.#end = end;
    this.#garbage = 0;
  }

  /** One KeyValue of the label that the reader is at. */
  #append(key: Buffer, reader: LabelReader): void {
    const out = this.bytes;
    const start = this.#end;
    out[start] = NUMBER_ATTRIBUTES;
    const keyValue = start + 1;
    let at = copyBytes(out, keyValue + 1, key, 0, key.length);
    out[at++] = VALUE;
    const anyValue = at++;
    out[at++] = STRING_VALUE;
    reader.skipName();
    // There also where it is empty: it is one of a oneof.
    at = endMessage(out, at, 1, reader.copyValue(out, at + 1));
    at = endMessage(out, anyValue, 1, at);
    this.#end = endMessage(out, keyValue, 1, at);
  }

  #reserveBytes(count: number): void {
    if (this.#end + count <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.ceil((this.#end + count) * 1.5));
    this.bytes.copy(grown, 0, 0, this.#end);
    this.bytes = grown;
  }
}

/** Copies encoded attributes as fields of this tag; returns where they end. */
export function copyLabels(
  out: Uint8Array,
  start: number,
  bytes: Uint8Array,
  from: number,
  length: number,
  tag: number,
): number {
  const end = copyBytes(out, start, bytes, from, length);
  if (tag === NUMBER_ATTRIBUTES) return end;
  for (let at = start; at < end; ) {
    out[at++] = tag;
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = out[at++]!;
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    at += size;
  }
  return end;
}

function overflowAttribute(): Buffer {
  const key = implicitStringField(1, OVERFLOW_ATTRIBUTE);
  const value = [VALUE, BOOL_TRUE.length, ...BOOL_TRUE];
  return Buffer.from([NUMBER_ATTRIBUTES, key.length + value.length, ...key, ...value]);
}
