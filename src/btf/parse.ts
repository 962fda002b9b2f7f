// The types of BPF objects and of the kernel, read from raw BTF without the machine. May be imported by `elf`,
// `kernel`, `libbpf` and `programs`; for types by `config` and `cli`.

import { MeterError } from '../errors.ts';
import { type BtfRecord, Kind, readRecords } from './records.ts';
import type { BtfMember, BtfType } from './types.ts';

/** Parsed BTF of one object. */
export interface Btf {
  /** The type of that number, typedefs and qualifiers resolved. Throws MeterError('object') where there is none. */
  type(id: number): BtfType;
  /** The members' type numbers of a struct, by name; pointers keep what they point to. Empty for anything else. */
  members(id: number): ReadonlyMap<string, number>;
  /** What a pointer type points to; undefined where the type isn't one. */
  pointee(id: number): number | undefined;
  readonly sections: readonly BtfSection[];
}

/** A DATASEC: `.maps`, `.bss`, `.rodata`, … and what it holds, in the order of the BTF. */
interface BtfSection {
  readonly name: string;
  readonly variables: readonly BtfVariable[];
}

interface BtfVariable {
  readonly name: string;
  readonly type: number;
  /** Bytes from the section's start. */
  readonly offset: number;
  readonly size: number;
}

/** Longer chains of typedefs than this are cycles. */
const longestChain = 64;
/** How deep structs and arrays may be in one another: a kernel takes as much (MAX_RESOLVE_DEPTH in kernel/bpf/btf.c). */
const deepest = 32;
/** Members of a struct with those of the structs in it, which keys and values are looked through for: what BTF has room for in one. */
const mostMembers = 0xffff;
const pointerSize = 8;

/**
 * Parses raw little-endian BTF, as `btf__raw_data` gives it for an opened object: before that call
 * libbpf has filled in the offsets of variables, which clang leaves 0.
 * Throws MeterError('object') where the bytes aren't BTF. Source: Documentation/bpf/btf.rst.
 */
export function parseBtf(bytes: Uint8Array): Btf {
  const { records, string } = readRecords(bytes);
  const resolved = new Map<number, BtfType>();
  const resolving = new Set<number>();
  /** By struct, its members with theirs. */
  const memberCounts = new Map<BtfType, number>();

  function record(id: number): BtfRecord {
    const found = records[id];
    if (!found) throw new MeterError('object', `BTF: type ${id} is referred to, but there are only ${records.length}`);
    return found;
  }

  function skipQualifiers(id: number): number {
    let current = id;
    for (let step = 0; step < longestChain; step++) {
      const { kind, sizeOrType } = record(current);
      const qualifier =
        kind === Kind.typedef ||
        kind === Kind.const ||
        kind === Kind.volatile ||
        kind === Kind.restrict ||
        kind === Kind.typeTag;
      if (!qualifier) return current;
      current = sizeOrType;
    }
    throw new MeterError('object', `BTF: type ${id} is a typedef of itself`);
  }

  function type(id: number): BtfType {
    const target = skipQualifiers(id);
    const known = resolved.get(target);
    if (known) return known;
    if (resolving.has(target)) throw new MeterError('object', `BTF: type ${target} contains itself`);
    if (resolving.size >= deepest)
      throw new MeterError('object', `BTF: type ${target} is more than ${deepest} types deep`);
    resolving.add(target);
    try {
      const result = build(record(target));
      count(target, result);
      resolved.set(target, result);
      return result;
    } finally {
      resolving.delete(target);
    }
  }

  /** A struct twice in one that is twice in the next makes millions of so few types that they fit into 4 KB. */
  function count(id: number, built: BtfType): void {
    if (built.kind !== 'struct' && built.kind !== 'union') return;
    const all = built.members.reduce((sum, member) => sum + 1 + (memberCounts.get(innermost(member.type)) ?? 0), 0);
    if (all > mostMembers) throw new MeterError('object', `BTF: type ${id} has more than ${mostMembers} members`);
    memberCounts.set(built, all);
  }

  function build(found: BtfRecord): BtfType {
    const { kind, name, view, data, sizeOrType: size } = found;
    switch (kind) {
      case Kind.int: {
        const encoding = view.getUint32(data, true) >>> 24;
        // clang marks no type as char, so its name has to tell.
        const char = (encoding & 2) !== 0 || (size === 1 && name === 'char');
        return { kind: 'int', name, size, signed: (encoding & 1) !== 0, bool: (encoding & 4) !== 0, char };
      }
      case Kind.pointer:
        return { kind: 'pointer', size: pointerSize };
      case Kind.array: {
        const element = type(view.getUint32(data, true));
        const length = view.getUint32(data + 8, true);
        return { kind: 'array', element, length, size: element.size * length };
      }
      case Kind.struct:
      case Kind.union:
        return { kind: kind === Kind.struct ? 'struct' : 'union', name, size, members: members(found) };
      case Kind.enum:
      case Kind.enum64:
        return { kind: 'enum', name, size, signed: found.flag, values: enumValues(found) };
      case Kind.float:
        return { kind: 'float', name, size };
      default:
        return { kind: 'other', name, size: kind === Kind.section ? size : 0 };
    }
  }

  function members(found: BtfRecord): BtfMember[] {
    return Array.from({ length: found.length }, (_, index) => {
      const at = found.data + index * 12;
      const offset = found.view.getUint32(at + 8, true);
      const bitOffset = found.flag ? offset & 0xffffff : offset;
      const bitSize = found.flag ? offset >>> 24 : 0;
      return {
        name: string(found.view.getUint32(at, true)),
        offset: bitOffset >>> 3,
        bits: bitSize === 0 ? undefined : { offset: bitOffset, size: bitSize },
        type: type(found.view.getUint32(at + 4, true)),
      };
    });
  }

  function enumValues({ kind, flag, view, data, length }: BtfRecord): Map<bigint, string> {
    const values = new Map<bigint, string>();
    for (let index = 0; index < length; index++) {
      const at = data + index * (kind === Kind.enum64 ? 12 : 8);
      const low = view.getUint32(at + 4, true);
      const high = kind === Kind.enum64 ? view.getUint32(at + 8, true) : 0;
      const unsigned = (BigInt(high) << 32n) | BigInt(low);
      const value = flag ? BigInt.asIntN(kind === Kind.enum64 ? 64 : 32, unsigned) : unsigned;
      // Of two names for one value the first is the one that C programmers write first.
      if (!values.has(value)) values.set(value, string(view.getUint32(at, true)));
    }
    return values;
  }

  function sectionOf({ name, view, data, length }: BtfRecord): BtfSection {
    const variables: BtfVariable[] = [];
    for (let index = 0; index < length; index++) {
      const at = data + index * 12;
      const variable = record(view.getUint32(at, true));
      if (variable.kind !== Kind.variable) continue;
      const offset = view.getUint32(at + 4, true);
      variables.push({ name: variable.name, type: variable.sizeOrType, offset, size: view.getUint32(at + 8, true) });
    }
    return { name, variables };
  }

  return {
    type,
    members(id) {
      const found = record(skipQualifiers(id));
      const result = new Map<string, number>();
      if (found.kind !== Kind.struct && found.kind !== Kind.union) return result;
      for (let index = 0; index < found.length; index++) {
        const at = found.data + index * 12;
        result.set(string(found.view.getUint32(at, true)), found.view.getUint32(at + 4, true));
      }
      return result;
    },
    pointee(id) {
      const found = record(skipQualifiers(id));
      return found.kind === Kind.pointer ? found.sizeOrType : undefined;
    },
    sections: records.filter(({ kind }) => kind === Kind.section).map(sectionOf),
  };
}

function innermost(type: BtfType): BtfType {
  return type.kind === 'array' ? innermost(type.element) : type;
}
