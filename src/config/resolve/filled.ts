import type { ObjectLayout } from '../../btf/types.ts';
import type { FilledMapPlan } from '../plan.ts';
import type { ProgramFile } from '../program/file.ts';
import type { MapEntry } from '../program/map.ts';
import type { MetricEntry } from '../program/metric.ts';
import type { Diagnostics } from '../yaml/diagnostic.ts';
import type { Located } from '../yaml/located.ts';
import { suggest } from '../yaml/nearest.ts';
import { isRemovable } from './object-parts.ts';

const iterators = /^\??iter(\.s)?\//;

/** Maps that are filled for each reading, of those that enabled metrics read. What is wrong of any is reported. */
export function resolveFilled(
  file: ProgramFile,
  enabled: readonly MetricEntry[],
  layout: ObjectLayout,
  diagnostics: Diagnostics,
): readonly FilledMapPlan[] {
  const plans = new Map<string, FilledMapPlan>();
  const wanted = new Set(enabled.map((metric) => (metric.map ?? metric.name).value));
  for (const entry of file.maps.values()) {
    const { filledBy, emptied, name } = entry;
    if (filledBy === undefined) {
      if (emptied !== undefined) diagnostics.error(emptied.at, '"emptied" is for maps with "filled_by"');
      continue;
    }
    const isIterator = checkIterator(filledBy, layout, diagnostics);
    const plan = isIterator && planOf(entry, filledBy, layout, diagnostics);
    if (!plan) continue;
    const other = plans.get(plan.map);
    if (other !== undefined && (other.program !== plan.program || other.emptied !== plan.emptied)) {
      diagnostics.error(filledBy.at, `map "${plan.map}" is filled otherwise above`);
    } else if (wanted.has(name.value)) plans.set(plan.map, plan);
  }
  return [...plans.values()];
}

function checkIterator({ value, at }: Located<string>, { programs, path }: ObjectLayout, diagnostics: Diagnostics) {
  const program = programs.find(({ name }) => name === value);
  if (program !== undefined && iterators.test(program.section)) return true;
  const names = programs.filter(({ section }) => iterators.test(section)).map(({ name }) => name);
  diagnostics.error(
    at,
    program === undefined
      ? `no BPF program "${value}" in ${path}${suggest(value, names)}`
      : `"filled_by" names an iterator, and the section of "${value}" is "${program.section}"`,
  );
  return false;
}

function planOf(
  { map, emptied: said }: MapEntry,
  { value: program }: Located<string>,
  { maps, variables }: ObjectLayout,
  diagnostics: Diagnostics,
): FilledMapPlan | undefined {
  const keyed = maps.find(({ name }) => name === map.value);
  const emptied = said?.value ?? true;
  if (keyed !== undefined) {
    if (!emptied || isRemovable(keyed)) return { map: keyed.name, program, emptied };
    diagnostics.error(
      map.at,
      `map "${map.value}" is of type ${keyed.type}, of which nothing can be removed: it needs "emptied: false"`,
    );
    return undefined;
  }
  // One that isn't there is reported where it is read.
  const variable = variables.find(({ name }) => name === map.value);
  if (variable === undefined) return undefined;
  if (!emptied) return { map: variable.section, program, emptied };
  diagnostics.error(
    map.at,
    `"${map.value}" is a global variable, of which nothing can be removed: it needs "emptied: false"`,
  );
  return undefined;
}
