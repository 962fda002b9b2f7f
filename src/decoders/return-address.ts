import type { DecoderKind } from './decoder.ts';
import { sizeError } from './integers.ts';
import { symbolText } from './symbol-text.ts';

/** What is above the lower 48 bits of every address in the kernel. */
const UPPER_BITS = 0xffffn << 48n;

/**
 * 8 bytes of a return address in the kernel's code, or the lower 6 of them → the function that the call is in, which is in front
 * of the address: `name\t[module]` for a module's; else `unknown`, or the address with `allow_unknown`.
 */
export const returnAddress = {
  name: 'return_address',
  create: (plan, kernel) => (input) => {
    const address = readAddress(input);
    return symbolText(plan, kernel.functionAround(address - 1n), address);
  },
} as const satisfies DecoderKind;

function readAddress(input: Buffer): bigint {
  if (input.length === 8) return input.readBigUInt64LE(0);
  if (input.length !== 6) throw sizeError(input, 'return_address', '6 or 8');
  return BigInt(input.readUIntLE(0, 6)) | UPPER_BITS;
}
