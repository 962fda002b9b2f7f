import type { DecoderKind } from './decoder.ts';
import { sizeError } from './integers.ts';

/** 8 bytes of a kernel address → the symbol that begins there, `name\t[module]` for a module's; else `unknown_addr:0x…`. */
export const ksym = {
  name: 'ksym',
  create: (_plan, kernel) => (input) => {
    if (input.length !== 8) throw sizeError(input, 'ksym', '8');
    const address = input.readBigUInt64LE(0);
    return Buffer.from(kernel.symbol(address) ?? `unknown_addr:0x${address.toString(16)}`, 'latin1');
  },
} as const satisfies DecoderKind;
