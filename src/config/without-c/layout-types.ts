import type { BtfMember, BtfType, MapLayout } from '../../btf/types.ts';

/** BTF types for the layouts of maps that no object describes. */

export const u32: BtfType = { kind: 'int', name: 'unsigned int', size: 4, signed: false, bool: false, char: false };
export const u64: BtfType = {
  kind: 'int',
  name: 'unsigned long long',
  size: 8,
  signed: false,
  bool: false,
  char: false,
};
const char: BtfType = { kind: 'int', name: 'char', size: 1, signed: true, bool: false, char: true };

/** char[length]: text with zeros behind it. */
export function chars(length: number): BtfType {
  return arrayOf(char, length);
}

/** `length` elements without gaps. */
export function arrayOf(element: BtfType, length: number): BtfType {
  return { kind: 'array', element, length, size: element.size * length };
}

/** Members one after the other without gaps: their sizes have to keep them aligned. */
export function structOf(name: string, members: readonly (readonly [name: string, type: BtfType])[]): BtfType {
  const list: BtfMember[] = [];
  let offset = 0;
  for (const [member, type] of members) {
    list.push({ name: member, offset, bits: undefined, type });
    offset += type.size;
  }
  return { kind: 'struct', name, size: offset, members: list };
}

/** The layout of a map of that type, as MapLayout has it. */
export function mapOf(type: string, name: string, key: BtfType, value: BtfType, maxEntries: number): MapLayout {
  return { name, type, keySize: key.size, valueSize: value.size, maxEntries, mmapable: false, key, value };
}
