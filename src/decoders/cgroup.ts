import type { DecoderKind } from './decoder.ts';
import { decimalError, readUnsigned, sizeError } from './integers.ts';

/**
 * 8 bytes of a cgroup's id as bpf_get_current_cgroup_id gives it, or its decimal text → the path of its folder,
 * `/sys/fs/cgroup/system.slice`; `unknown_cgroup_id:N` where it was never seen.
 * Eight digits are taken for text: as a number they would be the id of the 800-millionth cgroup with the same inode.
 */
export const cgroup = {
  name: 'cgroup',
  namesMove: true,
  create: (_plan, kernel) => (input) => {
    const id = readId(input);
    return Buffer.from(kernel.cgroup(id) ?? `unknown_cgroup_id:${id}`);
  },
} as const satisfies DecoderKind;

function readId(input: Buffer): bigint {
  if (input.length === 8 && !isDigits(input)) return BigInt(readUnsigned(input, 'cgroup'));
  if (input.length > 20 || input.length === 0) throw sizeError(input, 'cgroup', '8, or decimal text');
  if (!isDigits(input)) throw decimalError(input, 'cgroup');
  return BigInt(input.toString('latin1'));
}

function isDigits(input: Buffer): boolean {
  return input.every((byte) => byte >= 0x30 && byte <= 0x39);
}
