/**
 * Protocol Buffers' wire format, as the pages of Prometheus and the requests of OTLP are written in it. This folder knows
 * neither of them: it imports nothing, and what the messages are is said by those who write them.
 * Source: protobuf.dev/programming-guides/encoding.
 */

/** Field number and wire type 0. */
export const varintTag = (field: number): number => field * 8;
/** Wire type 1. */
export const doubleTag = (field: number): number => field * 8 + 1;
/** Wire type 2. */
export const lengthTag = (field: number): number => field * 8 + 2;

/** Most bytes of a varint of 64 bits. */
export const VARINT_BYTES = 10;

/** Writes a whole number from 0 up to 2^64; answers the position behind it. */
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

/** Writes a whole number as sint64 and sint32 have it: 0, -1, 1, -2, 2 … */
export function writeZigzag(out: Uint8Array, start: number, value: number): number {
  if (Math.abs(value) < 2 ** 52) return writeVarint(out, start, value < 0 ? -2 * value - 1 : 2 * value);
  let rest = value < 0 ? -2n * BigInt(value) - 1n : 2n * BigInt(value);
  let at = start;
  for (; rest >= 0x80n; rest >>= 7n) out[at++] = Number(rest & 0x7fn) | 0x80;
  out[at++] = Number(rest);
  return at;
}

const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);

/** Writes the 8 bytes of a double; the machine's order is the format's, since BPF objects are built little-endian. */
export function writeDouble(out: Uint8Array, start: number, value: number): number {
  double[0] = value;
  for (let i = 0; i < 8; i++) out[start + i] = doubleBytes[i]!;
  return start + 8;
}

/**
 * Ends a message, or a string, that was begun with `reserved` bytes for its length at `start`: moves it where the length
 * takes another number of bytes. Answers the position behind it; there has to be room for 4 more bytes.
 */
export function endMessage(out: Uint8Array, start: number, reserved: number, end: number): number {
  const length = end - start - reserved;
  const needed = varintSize(length);
  if (needed !== reserved) out.copyWithin(start + needed, start + reserved, end);
  writeVarint(out, start, length);
  return start + needed + length;
}

/** Bytes of a varint of a whole number from 0 up to 2^64. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/**
 * A field that is text, and there also where it is empty: proto2 (client_model's metrics.proto), and proto3 in a oneof, tell
 * a text that is empty from one that isn't given. Source: protobuf.dev/programming-guides/field_presence.
 */
export function stringField(field: number, text: string): Buffer {
  return messageField(field, [Buffer.from(text)]);
}

/** The same where proto3 makes no such difference (OTLP but for its oneofs): nothing where the text is empty. */
export function implicitStringField(field: number, text: string): Buffer {
  return text === '' ? Buffer.alloc(0) : stringField(field, text);
}

/** A field that is a message of these parts. */
export function messageField(field: number, parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.alloc(1 + VARINT_BYTES);
  head[0] = lengthTag(field);
  return Buffer.concat([head.subarray(0, writeVarint(head, 1, length)), ...parts]);
}

/** A field that is a whole number from 0 up. */
export function varintField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(1 + VARINT_BYTES);
  bytes[0] = varintTag(field);
  return bytes.subarray(0, writeVarint(bytes, 1, value));
}

/** A field that is a double. */
export function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = doubleTag(field);
  writeDouble(bytes, 1, value);
  return bytes;
}
