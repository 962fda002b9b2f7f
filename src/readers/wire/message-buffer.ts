import { writeVarint } from './protobuf.ts';

const TWO_32 = 4294967296;
/** A length that is filled in later has always four bytes, enough for 256 MiB. */
const LENGTH_BYTES = 4;

/**
 * One growing buffer for messages with many parts, which is kept for the next one.
 *
 * The length of an embedded message stands in front of it and is known behind it. It gets four bytes in any case, so
 * that nothing has to be moved: a varint may be longer than it need be (protobuf encoding, "Base 128 Varints").
 */
export class MessageBuffer {
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
