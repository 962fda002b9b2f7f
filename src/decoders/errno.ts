import type { DecoderKind } from './decoder.ts';
import { readDecimal } from './integers.ts';

/** Decimal text of an errno, negative as the kernel returns it or positive → `ENOENT`; `unknown:N` where Linux has none, 0 too. */
export const errno = {
  name: 'errno',
  create: (_plan, kernel) => (input) => {
    const number = readDecimal(input, 'errno');
    return Buffer.from(kernel.errno(Math.abs(number)) ?? `unknown:${input.toString('latin1')}`, 'latin1');
  },
} as const satisfies DecoderKind;
