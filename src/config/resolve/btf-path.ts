import type { BtfMember, BtfType } from '../../btf/types.ts';
import type { NumberType } from '../plan.ts';
import { suggest } from '../yaml/nearest.ts';

/** A part of a value or key: how many bytes from its start, and what is there. */
export interface Place {
  readonly offset: number;
  readonly type: BtfType;
}

/**
 * The part that a path such as `a.b[3].c` names. Members of unnamed structs and unions are found as C finds them.
 * The error is the cause alone, with the nearest member's name.
 */
export function findPath(type: BtfType, path: string): Place | { readonly error: string } {
  if (!/^[^.[\]]+(\[\d+\])*(\.[^.[\]]+(\[\d+\])*)*$/.test(path)) {
    return { error: `"${path}" is not a path such as a.b or a.b[3]` };
  }
  let place: Place = { offset: 0, type };
  for (const step of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    const next = step[1] === undefined ? findElement(place, Number(step[2])) : findMember(place, step[1]);
    if ('error' in next) return next;
    place = next;
  }
  return place;
}

function findElement({ offset, type }: Place, index: number): Place | { error: string } {
  if (type.kind !== 'array') return { error: `[${index}] of ${typeText(type)}, which is no array` };
  if (index >= type.length) return { error: `[${index}] is behind the end of ${typeText(type)}` };
  return { offset: offset + index * type.element.size, type: type.element };
}

function findMember({ offset, type }: Place, name: string): Place | { error: string } {
  if (type.kind !== 'struct' && type.kind !== 'union') return { error: `${typeText(type)} has no member "${name}"` };
  const members = visibleMembers(type);
  const member = members.find((candidate) => candidate.name === name);
  if (member === undefined) {
    const names = members.map((candidate) => candidate.name);
    return { error: `${typeText(type)} has no member "${name}"${suggest(name, names)}` };
  }
  if (member.bits !== undefined) return { error: `"${name}" is a bitfield, which can't be read` };
  return { offset: offset + member.offset, type: member.type };
}

/** The members that C finds by name, those of unnamed structs and unions among them. */
export function visibleMembers(type: BtfType): readonly BtfMember[] {
  if (type.kind !== 'struct' && type.kind !== 'union') return [];
  return type.members.flatMap((member) => {
    if (member.name !== '') return [member];
    return visibleMembers(member.type).map((inner) => ({ ...inner, offset: member.offset + inner.offset }));
  });
}

/** Padding by name: `_`, `__pad`, `__pad1`. */
export function isPadding(name: string): boolean {
  return name === '_' || name.startsWith('__pad');
}

/** How a number of this type is read; undefined where it is none of 1, 2, 4 or 8 bytes. Enums and bool are unsigned. */
export function numberType(type: BtfType): NumberType | undefined {
  if (type.kind !== 'int' && type.kind !== 'enum') return undefined;
  const signed = type.kind === 'int' && type.signed && !type.bool;
  switch (type.size) {
    case 1:
      return signed ? 'i8' : 'u8';
    case 2:
      return signed ? 'i16' : 'u16';
    case 4:
      return signed ? 'i32' : 'u32';
    case 8:
      return signed ? 'i64' : 'u64';
    default:
      return undefined;
  }
}

/** A type as messages name it: `u64`, `struct hist`, `u64[27]`, `enum op`. */
export function typeText(type: BtfType): string {
  switch (type.kind) {
    case 'int':
      return numberType(type) ?? type.name;
    case 'array':
      return arrayText(type, '');
    case 'enum':
    case 'struct':
    case 'union':
      return type.name === '' ? `an unnamed ${type.kind}` : `${type.kind} ${type.name}`;
    case 'pointer':
      return 'a pointer';
    case 'float':
    case 'other':
      return type.name === '' ? `a type of ${type.size} bytes` : type.name;
  }
}

/** In C's order: the outermost length first. */
function arrayText(type: BtfType, lengths: string): string {
  return type.kind === 'array' ? arrayText(type.element, `${lengths}[${type.length}]`) : typeText(type) + lengths;
}
