import type { DefaultLabel } from '../without-c/map-kind.ts';
import type { Position } from '../yaml/diagnostic.ts';
import type { LabelEntry } from './labels.ts';

/**
 * The labels of a map without C: those that are written, which may name a default label to leave its member and decoders as
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
