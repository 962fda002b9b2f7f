import type { LabelEntry } from '../program/labels.ts';
import type { Diagnostics, Position } from '../yaml/diagnostic.ts';
import type { ConfigMap } from '../yaml/document.ts';
import { functions } from './function-maps.ts';
import type { DefaultLabel, GenericKind, GenericMap } from './map-kind.ts';
import { perfEvents } from './perf-event-maps.ts';
import { tracepoints } from './tracepoint-maps.ts';

const kinds: readonly GenericKind[] = [perfEvents, functions, tracepoints];

/** The keys that make an entry of `maps` one without C. */
export const genericKeys: readonly string[] = kinds.map(({ key }) => key);

/** The kind that an entry with these keys asks for. */
export function genericKind(keys: readonly string[]): GenericKind | undefined {
  return kinds.find(({ key }) => keys.includes(key));
}

/** What an entry of this kind describes; undefined where it is wrong, which is reported. */
export function parseGeneric(
  kind: GenericKind,
  entry: ConfigMap,
  map: string,
  diagnostics: Diagnostics,
): GenericMap | undefined {
  return kind.parse(entry.get(kind.key)!, entry, map, diagnostics);
}

/**
 * The labels of such a map: those that are written, which may name a default label to leave its member and decoders as
 * they are, and the default ones of the members that they leave out.
 */
export function withDefaultLabels(
  written: readonly LabelEntry[],
  defaults: readonly DefaultLabel[],
  at: Position,
): LabelEntry[] {
  const own = written.map((label) => {
    const wanted = label.field?.value ?? label.name.value;
    const same = defaults.find(({ name, field }) => field === wanted || (name === wanted && label.field === undefined));
    if (same === undefined) return label;
    const decoders = label.decoders.length > 0 ? label.decoders : located(same, label.name.at);
    return { ...label, field: label.field ?? { value: same.field, at: label.name.at }, decoders };
  });
  const taken = own.map((label) => (label.field ?? label.name).value);
  const rest = defaults
    .filter(({ field }) => !taken.includes(field))
    .map((label) => ({
      name: { value: label.name, at },
      field: { value: label.field, at },
      size: undefined,
      padding: undefined,
      decoders: located(label, at),
    }));
  return [...own, ...rest];
}

function located({ decoders }: DefaultLabel, at: Position) {
  return decoders.map((decoder) => ({ ...decoder, at }));
}
