import type { DecoderKind } from './decoder.ts';

/** Bytes → two lower-case hex digits each, nothing between them. */
export const hex = {
  name: 'hex',
  create: () => (input) => Buffer.from(input.toString('hex'), 'latin1'),
} as const satisfies DecoderKind;
