import type { Btf } from './parse.ts';
import type { BtfType, VariableLayout } from './types.ts';

/** Sections whose variables aren't the program's memory. */
const notData = new Set(['.maps', '.kconfig', '.ksyms', 'license', 'version']);

interface MapTypes {
  readonly key: BtfType | undefined;
  readonly value: BtfType | undefined;
}

/**
 * The key and value types of the maps that the object defines in `.maps`, by the map's name.
 * There a map is a struct whose members `key` and `value` are pointers to the types; a map that
 * gives only `key_size` and `value_size` has neither.
 */
export function mapTypes(btf: Btf): Map<string, MapTypes> {
  const result = new Map<string, MapTypes>();
  for (const section of btf.sections) {
    if (section.name !== '.maps') continue;
    for (const { name, type } of section.variables) {
      const members = btf.members(type);
      result.set(name, { key: pointedTo(btf, members.get('key')), value: pointedTo(btf, members.get('value')) });
    }
  }
  return result;
}

function pointedTo(btf: Btf, member: number | undefined): BtfType | undefined {
  const target = member === undefined ? undefined : btf.pointee(member);
  return target === undefined || target === 0 ? undefined : btf.type(target);
}

/** The global variables of an object, by section and in the order of their offsets. */
export function variables(btf: Btf): VariableLayout[] {
  return btf.sections
    .filter(({ name }) => !notData.has(name))
    .flatMap((section) =>
      section.variables
        .map(({ name, type, offset, size }) => ({ name, section: section.name, offset, size, type: btf.type(type) }))
        .sort((one, other) => one.offset - other.offset),
    );
}
