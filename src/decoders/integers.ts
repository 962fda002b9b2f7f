import { DecodeError } from './decoder.ts';

/**
 * Reads the little-endian unsigned integer that fills `input` (1, 2, 4 or 8 bytes); a number where it is exact, else a bigint.
 * Throws DecodeError for other sizes; `decoder` is named in it.
 */
export function readUnsigned(input: Buffer, decoder: string): number | bigint {
  switch (input.length) {
    case 1:
      return input[0]!;
    case 2:
      return input.readUInt16LE(0);
    case 4:
      return input.readUInt32LE(0);
    case 8: {
      const high = input.readUInt32LE(4);
      return high < 0x200000 ? high * 0x100000000 + input.readUInt32LE(0) : input.readBigUInt64LE(0);
    }
    default:
      throw sizeError(input, decoder, '1, 2, 4 or 8');
  }
}

/** The same for a two's complement integer. */
export function readSigned(input: Buffer, decoder: string): number | bigint {
  switch (input.length) {
    case 1:
      return input.readInt8(0);
    case 2:
      return input.readInt16LE(0);
    case 4:
      return input.readInt32LE(0);
    case 8:
      return input.readBigInt64LE(0);
    default:
      throw sizeError(input, decoder, '1, 2, 4 or 8');
  }
}

/**
 * Reads decimal text such as `-12`, as uint and int write it.
 * Throws DecodeError for anything else; `decoder` is named in it. Beyond 2^53 the number is rounded, which names nothing anyway.
 */
export function readDecimal(input: Buffer, decoder: string): number {
  const negative = input[0] === 0x2d;
  const first = negative ? 1 : 0;
  let value = 0;
  for (let i = first; i < input.length; i++) {
    const digit = input[i]! - 0x30;
    if (digit < 0 || digit > 9) throw decimalError(input, decoder);
    value = value * 10 + digit;
  }
  if (input.length === first) throw decimalError(input, decoder);
  return negative ? -value : value;
}

/** An error for an input whose size the decoder can't take; `sizes` are those that it takes, in words. */
export function sizeError(input: Buffer, decoder: string, sizes: string): DecodeError {
  return new DecodeError(`${decoder}: ${input.length} bytes, but it takes ${sizes}`);
}

/** An error for text that is no decimal number; `decoder` is named in it. */
export function decimalError(input: Buffer, decoder: string): DecodeError {
  return new DecodeError(
    `${decoder}: "${input.toString('latin1')}" is no decimal number; put uint or int in front of it`,
  );
}
