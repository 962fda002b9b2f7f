import type { DecoderKind } from './decoder.ts';
import { sizeError } from './integers.ts';

/**
 * An array of 8-byte kernel addresses, as bpf_get_stack gives it → the functions that they are in, a line each, up to the first
 * zero; `??` for one that is in none.
 */
export const kstack = {
  name: 'kstack',
  create: (_plan, kernel) => (input) => {
    if (input.length % 8 !== 0) throw sizeError(input, 'kstack', 'a multiple of 8');
    const frames: string[] = [];
    for (let at = 0; at < input.length; at += 8) {
      const address = input.readBigUInt64LE(at);
      if (address === 0n) break;
      frames.push(kernel.functionAround(address) ?? '??');
    }
    return Buffer.from(frames.join('\n'), 'latin1');
  },
} as const satisfies DecoderKind;
