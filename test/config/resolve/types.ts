import type {
  BpfProgramLayout,
  BtfMember,
  BtfType,
  MapLayout,
  ObjectLayout,
  VariableLayout,
} from '../../../src/btf/types.ts';

/** BTF types and layouts by hand. */

function int(name: string, size: number, signed: boolean, more: { bool?: boolean; char?: boolean } = {}): BtfType {
  return { kind: 'int', name, size, signed, bool: more.bool ?? false, char: more.char ?? false };
}

export const u8 = int('unsigned char', 1, false);
export const u16 = int('unsigned short', 2, false);
export const u32 = int('unsigned int', 4, false);
export const u64 = int('unsigned long long', 8, false);
export const i8 = int('signed char', 1, true);
export const i16 = int('short', 2, true);
export const i32 = int('int', 4, true);
export const i64 = int('long long', 8, true);
export const char = int('char', 1, true, { char: true });
export const bool = int('_Bool', 1, false, { bool: true });
export const u128 = int('unsigned __int128', 16, false);
export const double: BtfType = { kind: 'float', name: 'double', size: 8 };
export const pointer: BtfType = { kind: 'pointer', size: 8 };

export function array(element: BtfType, length: number): BtfType {
  return { kind: 'array', element, length, size: element.size * length };
}

export function enumeration(name: string, values: Record<string, number>, size = 4): BtfType {
  const entries = Object.entries(values).map(([text, number]) => [BigInt(number), text] as const);
  return { kind: 'enum', name, size, signed: entries.some(([number]) => number < 0n), values: new Map(entries) };
}

/** Members one after the other at their natural alignment; a number in their place is so many bytes of nothing. */
export function struct(name: string, members: Record<string, BtfType>, size?: number): BtfType {
  const list: BtfMember[] = [];
  let end = 0;
  let widest = 1;
  for (const [member, type] of Object.entries(members)) {
    const alignment = alignmentOf(type);
    widest = Math.max(widest, alignment);
    const offset = Math.ceil(end / alignment) * alignment;
    list.push({ name: member.startsWith('#') ? '' : member, offset, bits: undefined, type });
    end = offset + type.size;
  }
  return { kind: 'struct', name, size: size ?? Math.ceil(end / widest) * widest, members: list };
}

export function union(name: string, members: Record<string, BtfType>): BtfType {
  const list = Object.entries(members).map(([member, type]) => ({ name: member, offset: 0, bits: undefined, type }));
  return { kind: 'union', name, size: Math.max(...list.map(({ type }) => type.size)), members: list };
}

function alignmentOf(type: BtfType): number {
  if (type.kind === 'array') return alignmentOf(type.element);
  if (type.kind === 'struct' || type.kind === 'union') {
    return Math.max(1, ...type.members.map((member) => alignmentOf(member.type)));
  }
  return Math.min(type.size, 8) || 1;
}

export function map(
  name: string,
  type: string,
  key: BtfType | number,
  value: BtfType | number,
  maxEntries = 1024,
): MapLayout {
  return {
    name,
    type,
    keySize: typeof key === 'number' ? key : key.size,
    valueSize: typeof value === 'number' ? value : value.size,
    maxEntries,
    mmapable: type === 'array',
    key: typeof key === 'number' ? undefined : key,
    value: typeof value === 'number' ? undefined : value,
  };
}

export function variable(name: string, section: string, type: BtfType, offset = 0): VariableLayout {
  return { name, section, offset, size: type.size, type };
}

export function layout(parts: {
  maps?: readonly MapLayout[];
  variables?: readonly VariableLayout[];
  programs?: readonly string[];
}): ObjectLayout {
  const programs: BpfProgramLayout[] = (parts.programs ?? []).map((name) => ({ name, section: `tp_btf/${name}` }));
  return { path: 'x.bpf.o', maps: parts.maps ?? [], variables: parts.variables ?? [], programs };
}

export const hist = struct('hist', { slots: array(u64, 27), sum: u64 });
