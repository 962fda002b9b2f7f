import type { MapLayout, ObjectLayout, VariableLayout } from '../../btf/types.ts';
import type { Diagnostics } from '../yaml/diagnostic.ts';
import type { Located } from '../yaml/located.ts';
import { suggest } from '../yaml/nearest.ts';

/** The BPF map of this name; undefined where the object has none, which is reported with those of `candidates` that it may be. */
export function findMap(
  { value, at }: Located<string>,
  layout: ObjectLayout,
  diagnostics: Diagnostics,
  candidates: readonly MapLayout[] = layout.maps,
): MapLayout | undefined {
  const map = layout.maps.find(({ name }) => name === value);
  if (map !== undefined) return map;
  // Data sections are maps too, but no names that a YAML uses.
  const known = candidates.map(({ name }) => name).filter((name) => !name.includes('.'));
  diagnostics.error(at, `no BPF map "${value}" in ${layout.path}${suggest(value, known)}`);
  return undefined;
}

/** Variables whose values are set before load. */
export function constantsOf({ variables }: ObjectLayout): VariableLayout[] {
  return variables.filter(isConstant);
}

/** Whether it is `const volatile` in C, so that programs can't change it. */
export function isConstant({ section }: VariableLayout): boolean {
  return section.startsWith('.rodata');
}

/** Whether keys can be removed from a map of this type. */
export function isRemovable({ type }: MapLayout): boolean {
  return /^(lru_)?(percpu_)?hash$/.test(type);
}
