import type { MapWithoutC } from '../without-c/map-kind.ts';
import { mapKindKeys, mapKindOf, parseMapWithoutC } from '../without-c/map-kinds.ts';
import type { Diagnostics } from '../yaml/diagnostic.ts';
import type { ConfigNode } from '../yaml/document.ts';
import { type Located, located, locatedNames, locatedText, locatedWord } from '../yaml/located.ts';
import { withDefaultLabels } from './default-labels.ts';
import { type LabelEntry, parseLabels } from './labels.ts';

/** One entry of `maps`: a BPF map or global variable, described once for several metrics. */
export interface MapEntry {
  /** What metrics call it. */
  readonly name: Located<string>;
  /** The BPF map or global variable. */
  readonly map: Located<string>;
  readonly field: Located<string> | undefined;
  readonly index: readonly Located<string>[] | undefined;
  readonly labels: readonly LabelEntry[];
  /** `sum` or a label's name. */
  readonly perCpu: Located<string> | undefined;
  readonly cache: Located<string> | undefined;
  readonly zeros: Located<boolean> | undefined;
  /** Keys of what is gone are removed: a cgroup that one of the labels names. */
  readonly expire: Located<'cgroup'> | undefined;
  /** The iterator (a BPF program) that fills it for each reading. */
  readonly filledBy: Located<string> | undefined;
  /** Whether it is emptied before; undefined: it is. */
  readonly emptied: Located<boolean> | undefined;
  /** Whether it is a map without C, which no object has; `withoutC` is then undefined where it is wrong. */
  readonly isWithoutC: boolean;
  readonly withoutC: MapWithoutC | undefined;
  /** False where it has errors of its own, which have been reported. */
  readonly valid: boolean;
}

const mapKeys = ['map', 'field', 'index', 'labels', 'per_cpu', 'cache', 'zeros', 'expire', 'filled_by', 'emptied'];

/** `maps` of NAME.yaml, by what metrics call them. What is wrong is reported with its place. */
export function parseMaps(node: ConfigNode | undefined, diagnostics: Diagnostics): Map<string, MapEntry> {
  const maps = new Map<string, MapEntry>();
  for (const { name, key, value } of node?.map()?.entries ?? []) {
    const before = diagnostics.errorCount;
    const kind = mapKindOf(value.isMap ? value.map() : undefined);
    const known = kind === undefined ? [...mapKeys, ...mapKindKeys] : [kind.key, ...kind.options, 'labels'];
    const entry = value.map(known);
    const own = { value: name, at: key.position };
    const withoutC = kind && entry && parseMapWithoutC(kind, entry, name, diagnostics);
    const written = parseLabels(entry?.get('labels'));
    const labels = withoutC === undefined ? written : withDefaultLabels(written, withoutC.labels, own.at);
    // What nothing in C keeps in bounds mustn't fill up with cgroups that are gone.
    const hasCgroup = labels.some(({ decoders }) => decoders.some((decoder) => decoder.name === 'cgroup'));
    const expire = withoutC !== undefined && hasCgroup ? ({ value: 'cgroup', at: own.at } as const) : undefined;
    const parsed = {
      name: own,
      map: locatedText(entry?.get('map')) ?? own,
      field: locatedText(entry?.get('field')),
      index: entry?.has('index') ? locatedNames(entry.get('index'), 'index') : undefined,
      labels,
      perCpu: locatedText(entry?.get('per_cpu')),
      cache: locatedText(entry?.get('cache')),
      zeros: located(entry?.get('zeros'), (node) => node.boolean()),
      expire: locatedWord(entry?.get('expire'), ['cgroup'] as const) ?? expire,
      filledBy: locatedText(entry?.get('filled_by')),
      emptied: located(entry?.get('emptied'), (node) => node.boolean()),
      isWithoutC: kind !== undefined,
      withoutC,
    };
    maps.set(name, { ...parsed, valid: diagnostics.errorCount === before });
  }
  return maps;
}
