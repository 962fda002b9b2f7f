import type { DecoderKind } from './decoder.ts';
import { readSigned } from './integers.ts';

/** Bytes of a signed integer (1, 2, 4 or 8, little-endian) → decimal text. ebpf_exporter has no such decoder. */
export const int = {
  name: 'int',
  create: () => (input) => Buffer.from(String(readSigned(input, 'int')), 'latin1'),
} as const satisfies DecoderKind;
