import type { DecoderPlan } from './plan.ts';

/** The same for all addresses: where one is tells an attacker where the kernel is (kernel.kptr_restrict, KASLR). */
const unknown = Buffer.from('unknown', 'latin1');

/** A symbol's name as a label's bytes, or what stands for an address without one: `unknown_addr:0x…` with `allow_unknown`. */
export function symbolText({ allowUnknown }: DecoderPlan, name: string | undefined, address: bigint): Buffer {
  if (name !== undefined) return Buffer.from(name, 'latin1');
  return allowUnknown ? Buffer.from(`unknown_addr:0x${address.toString(16)}`, 'latin1') : unknown;
}
