import type { DecoderKind } from './decoder.ts';
import { readUnsigned } from './integers.ts';

/** Bytes of an unsigned integer (1, 2, 4 or 8, little-endian) → decimal text. */
export const uint = {
  name: 'uint',
  create: () => (input) => Buffer.from(String(readUnsigned(input, 'uint')), 'latin1'),
} as const satisfies DecoderKind;
