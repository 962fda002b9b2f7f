import type { DecoderKind } from './decoder.ts';
import { sizeError } from './integers.ts';
import { symbolText } from './symbol-text.ts';

/**
 * 8 bytes of a kernel address → the symbol that begins there, `name\t[module]` for a module's; else `unknown`, or the address
 * with `allow_unknown`.
 */
export const ksym = {
  name: 'ksym',
  create: (plan, kernel) => (input) => {
    if (input.length !== 8) throw sizeError(input, 'ksym', '8');
    const address = input.readBigUInt64LE(0);
    return symbolText(plan, kernel.symbol(address), address);
  },
} as const satisfies DecoderKind;
