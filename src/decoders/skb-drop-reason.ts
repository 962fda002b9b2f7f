import type { DecoderKind } from './decoder.ts';
import { sizeError } from './integers.ts';

/**
 * Bytes of an enum skb_drop_reason → its name on this kernel, `TCP_LISTEN_OVERFLOW`, or `OPENVSWITCH:3` for a subsystem's; else
 * `unknown:N`. 4 bytes are the kernel's number, the upper 16 bits the subsystem; 2 bytes have the subsystem in the upper 4.
 */
export const skbDropReason = {
  name: 'skb_drop_reason',
  create: (_plan, kernel) => (input) => {
    const number = readReason(input);
    return Buffer.from(kernel.dropReason(number) ?? `unknown:${number}`, 'latin1');
  },
} as const satisfies DecoderKind;

function readReason(input: Buffer): number {
  if (input.length === 4) return input.readUInt32LE(0);
  if (input.length !== 2) throw sizeError(input, 'skb_drop_reason', '2 or 4');
  const packed = input.readUInt16LE(0);
  return (packed >>> 12) * 0x10000 + (packed & 0xfff);
}
