import type { DecoderKind } from './decoder.ts';

/** Bytes → the bytes in front of the first NUL, or all where there is none. */
export const string = {
  name: 'string',
  create: () => (input) => {
    const end = input.indexOf(0);
    return end === -1 ? input : input.subarray(0, end);
  },
} as const satisfies DecoderKind;
