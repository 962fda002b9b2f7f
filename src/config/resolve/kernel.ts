import type { ObjectLayout } from '../../btf/types.ts';
import type { CgroupIdsPlan, ProgramPlan } from '../plan.ts';
import type { ProgramFile } from '../program/file.ts';
import type { Diagnostics } from '../yaml/diagnostic.ts';
import { suggest } from '../yaml/nearest.ts';
import { typeText } from './btf-path.ts';
import { constantsOf, findMap } from './object-parts.ts';

/** What of the running kernel the program is told: addresses of symbols, and which cgroups match. */
export function resolveKernel(
  file: ProgramFile,
  layout: ObjectLayout,
  diagnostics: Diagnostics,
): Pick<ProgramPlan, 'addresses' | 'cgroupIds'> {
  const addresses = resolveAddresses(file, layout, diagnostics);
  const cgroupIds = resolveCgroupIds(file, layout, diagnostics);
  return { ...(addresses.size > 0 && { addresses }), ...(cgroupIds && { cgroupIds }) };
}

/** `kaddrs`: by constant, the symbol whose address it is to have. */
function resolveAddresses(
  { kaddrs }: ProgramFile,
  layout: ObjectLayout,
  diagnostics: Diagnostics,
): ReadonlyMap<string, string> {
  const constants = constantsOf(layout);
  const addresses = new Map<string, string>();
  for (const { value: symbol, at } of kaddrs) {
    const name = `kaddr_${symbol}`;
    const variable = constants.find((candidate) => candidate.name === name);
    if (variable === undefined) {
      const known = constants.map((candidate) => candidate.name);
      const hint = suggest(name, known);
      diagnostics.error(at, `kaddrs: no constant "${name}" in .rodata of ${layout.path}${hint}`);
    } else if (variable.size !== 8 || !['int', 'pointer'].includes(variable.type.kind)) {
      diagnostics.error(at, `kaddrs: constant "${name}" is ${typeText(variable.type)}, but an address takes a u64`);
    } else addresses.set(name, symbol);
  }
  return addresses;
}

/** `cgroup_id_map`. */
function resolveCgroupIds(
  { cgroupIds }: ProgramFile,
  layout: ObjectLayout,
  diagnostics: Diagnostics,
): CgroupIdsPlan | undefined {
  if (cgroupIds === undefined) return undefined;
  const { map: name, regexps } = cgroupIds;
  const map = findMap(name, layout, diagnostics);
  if (map === undefined) return undefined;
  const type = cgroupIds.type?.value ?? 'hash';
  const isFitting = type === 'hash' ? /^(lru_)?hash$/.test(map.type) : map.type === type;
  const keySize = type === 'hash' ? 8 : 4;
  if (!isFitting) {
    const at = cgroupIds.type?.at ?? name.at;
    diagnostics.error(at, `map "${map.name}" is of type ${map.type}, not ${type}, which "cgroup_id_map" says it is`);
  } else if (map.keySize !== keySize || map.valueSize > 8) {
    const sizes = `a key of ${map.keySize} and a value of ${map.valueSize} bytes`;
    diagnostics.error(name.at, `map "${map.name}" has ${sizes}: as "cgroup_id_map" it needs ${keySize} and at most 8`);
  }
  return { map: map.name, type, regexps };
}
