import type { DecoderKind } from './decoder.ts';

const ROOT = Buffer.from('.');
const DOT = 0x2e;

/**
 * A domain name as DNS sends it (RFC 1035 section 3.1: a length and as many bytes, again and again) → the labels with dots between
 * them; the root's zero behind them gives a last dot, and nothing at all is `.`. What isn't such a name stays as it is.
 */
export const dname = {
  name: 'dname',
  create: () => (input) => {
    if (input.length === 0) return ROOT;
    const output = Buffer.from(input);
    for (let at = 0; at < input.length; ) {
      output[at] = DOT;
      at += 1 + input[at]!;
      if (at > input.length) return input;
    }
    return output.subarray(1);
  },
} as const satisfies DecoderKind;
