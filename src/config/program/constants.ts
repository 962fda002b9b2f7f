import type { ConfigNode } from '../yaml/document.ts';
import type { Located } from '../yaml/located.ts';

/** .rodata variables and their values, in the order of the file; true and false are 1 and 0. */
export function parseConstants(node: ConfigNode | undefined): Map<string, Located<bigint>> {
  const constants = new Map<string, Located<bigint>>();
  for (const { name, value } of node?.map()?.entries ?? []) {
    const number = value.isBoolean ? BigInt(value.boolean()!) : value.bigint();
    if (number !== undefined) constants.set(name, { value: number, at: value.position });
  }
  return constants;
}
