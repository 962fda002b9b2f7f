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
