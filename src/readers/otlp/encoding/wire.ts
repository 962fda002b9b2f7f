const TWO_32 = 4294967296;
/** A length that is filled in later has always four bytes, enough for 256 MiB. */
const LENGTH_BYTES = 4;

/**
 * Writes protobuf into one growing buffer that is kept for the next message.
 *
 * The length of an embedded message stands in front of it and is known behind it. It gets four bytes in any case, so
 * that nothing has to be moved: a varint may be longer than it need be (protobuf encoding, "Base 128 Varints").
 */
export class WireWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(64 * 1024);
  length = 0;
  view: DataView = new DataView(this.bytes.buffer);

  /** Makes room for so many bytes more; `bytes` and `view` may then be others. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.ceil((this.length + count) * 1.5));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** Begins an embedded message of this tag; returns what `close` takes. */
  open(tag: number): number {
    this.reserve(1 + LENGTH_BYTES);
    this.bytes[this.length] = tag;
    this.length += 1 + LENGTH_BYTES;
    return this.length;
  }

  /** Ends the message that `open` began. */
  close(start: number): void {
    const size = this.length - start;
    const out = this.bytes;
    out[start - 4] = (size & 0x7f) | 0x80;
    out[start - 3] = ((size >>> 7) & 0x7f) | 0x80;
    out[start - 2] = ((size >>> 14) & 0x7f) | 0x80;
    out[start - 1] = (size >>> 21) & 0x7f;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Room has to be reserved for this and what follows. */
  byte(value: number): void {
    this.bytes[this.length++] = value;
  }

  varint(value: number): void {
    this.length = writeVarint(this.bytes, this.length, value);
  }

  /** sfixed64 and fixed64 of an integer; the negative ones as two's complement. */
  integer(value: number): void {
    const high = Math.floor(value / TWO_32);
    this.view.setUint32(this.length, value - high * TWO_32, true);
    this.view.setUint32(this.length + 4, high, true);
    this.length += 8;
  }

  double(value: number): void {
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }
}

/** A string field with its tag and length; nothing where it is empty, as proto3 has it. */
export function stringField(field: number, text: string): Buffer {
  return text === '' ? Buffer.alloc(0) : messageField(field, [Buffer.from(text)]);
}

/** An embedded message of these parts with its tag and length. Fields up to 15. */
export function messageField(field: number, parts: readonly Uint8Array[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.alloc(1 + varintSize(size));
  head[0] = field * 8 + 2;
  writeVarint(head, 1, size);
  return Buffer.concat([head, ...parts]);
}

/** Bytes of a varint; numbers from 0 to 2^53. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** Writes a varint, numbers from 0 to 2^53; returns where it ends. */
export function writeVarint(out: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  out[at++] = rest;
  return at;
}

/** A field of a message: a number where its type is varint or 32-bit, else bytes, eight of them of what is 64-bit. */
export interface Field {
  readonly number: number;
  readonly value: number | Uint8Array;
}

/** The fields of a message in order, numbers above 2^53 rounded. Throws RangeError where the bytes are no message. */
export function* readFields(bytes: Uint8Array): Generator<Field> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 0x80) {
      if (at >= bytes.length || shift > 2 ** 63) throw new RangeError('no protobuf message: a varint has no end');
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        if (at + 8 > bytes.length) throw new RangeError('no protobuf message: a number has no end');
        yield { number, value: bytes.subarray(at, at + 8) };
        at += 8;
        break;
      case 2: {
        const size = varint();
        if (at + size > bytes.length) throw new RangeError('no protobuf message: a field is longer than the message');
        yield { number, value: bytes.subarray(at, at + size) };
        at += size;
        break;
      }
      case 5:
        yield { number, value: view.getUint32(at, true) };
        at += 4;
        break;
      default:
        throw new RangeError(`no protobuf message: wire type ${tag % 8}`);
    }
  }
}
