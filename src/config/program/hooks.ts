import type { ConfigEntry, ConfigNode } from '../yaml/document.ts';
import { type Located, locatedNames, locatedText } from '../yaml/located.ts';
import { parseConstants } from './constants.ts';

/** One entry of `hooks`: a place in the kernel, and the ways in, the first that a kernel takes being used. */
export interface HookEntry {
  readonly name: Located<string>;
  /** In the order of the file. */
  readonly ways: readonly WayEntry[];
}

export interface WayEntry {
  readonly name: Located<string>;
  /** C functions; all of them have to attach. */
  readonly programs: readonly Located<string>[];
  /** Set when this way is taken. */
  readonly constants: ReadonlyMap<string, Located<bigint>>;
  /** BPF maps that are created for ways which name them, and for nothing else. */
  readonly maps: readonly Located<string>[];
  /** False: taken only where an operator names it, however many others are lacking. */
  readonly isDefault: boolean;
}

const hookName = /^[A-Za-z_][A-Za-z0-9_]*$/;
const wayName = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/** `hooks` of a program's file, by name. */
export function parseHooks(node: ConfigNode | undefined): Map<string, HookEntry> {
  const hooks = new Map<string, HookEntry>();
  for (const { name, key, value } of node?.map()?.entries ?? []) {
    if (!hookName.test(name)) key.error(`hook name ${JSON.stringify(name)} may have letters, digits and _ only`);
    const map = value.map();
    if (map?.entries.length === 0) key.error(`hook "${name}" has no ways: write WAY: BPF_PROGRAM below it`);
    const ways = map?.entries.flatMap((entry) => parseWay(entry, name) ?? []) ?? [];
    if (ways.length > 0 && !ways.some(({ isDefault }) => isDefault)) {
      key.error(`hook "${name}" has no way that is taken unless another is named: leave "default: false" out of one`);
    }
    hooks.set(name, { name: { value: name, at: key.position }, ways });
  }
  return hooks;
}

/** `NAME: PROGRAM`, `NAME: [PROGRAM, …]` or `NAME: {programs: …, constants: …, maps: …, default: …}`. */
function parseWay({ name, key, value }: ConfigEntry, hook: string): WayEntry | undefined {
  if (!wayName.test(name)) key.error(`way name ${JSON.stringify(name)} may have letters, digits and _ . - only`);
  const map = value.isMap ? value.map(['programs', 'constants', 'maps', 'default']) : undefined;
  const node = value.isMap ? map?.required('programs') : value;
  if (node === undefined) return undefined;
  const programs = parseNames(node, 'BPF program');
  if (programs?.length === 0) key.error(`way "${name}" of hook "${hook}" has no BPF programs`);
  const constants = parseConstants(map?.get('constants'));
  const mapsNode = map?.get('maps');
  const maps = (mapsNode && parseNames(mapsNode, 'map')) ?? [];
  const isDefault = map?.get('default')?.boolean() ?? true;
  return { name: { value: name, at: key.position }, programs: programs ?? [], constants, maps, isDefault };
}

/** One name or a list of them, each once; undefined where none of it is a name, which is reported. */
function parseNames(node: ConfigNode, what: string): Located<string>[] | undefined {
  if (node.isNull) return [];
  if (!node.isList) {
    const name = locatedText(node);
    return name && [name];
  }
  const names = locatedNames(node, what);
  return names.length === 0 && node.list()?.length !== 0 ? undefined : names;
}
