import type { DecoderKind } from './decoder.ts';
import { readUnsigned, sizeError } from './integers.ts';

/** 2, 4 or 8 bytes of a network interface's index → its name, or `unknown:N`. The name is bytes to the kernel, mostly UTF-8. */
export const ifname = {
  name: 'ifname',
  namesMove: true,
  create: (_plan, kernel) => (input) => {
    if (input.length === 1) throw sizeError(input, 'ifname', '2, 4 or 8');
    const index = readUnsigned(input, 'ifname');
    const name = typeof index === 'number' ? kernel.networkInterface(index) : undefined;
    return Buffer.from(name ?? `unknown:${index}`);
  },
} as const satisfies DecoderKind;
