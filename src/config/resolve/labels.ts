import type { BtfType } from '../../btf/types.ts';
import type { DecoderPlan } from '../../decoders/plan.ts';
import type { DimensionPlan, LabelPlan } from '../plan.ts';
import type { LabelEntry } from '../program/labels.ts';
import type { Diagnostics, Position } from '../yaml/diagnostic.ts';
import type { Located } from '../yaml/located.ts';
import { suggest } from '../yaml/nearest.ts';
import { findPath, isPadding, numberType, type Place, typeText, visibleMembers } from './btf-path.ts';

/** A map's key, as far as labels need to know it. */
interface KeyShape {
  readonly map: string;
  readonly size: number;
  readonly type: BtfType | undefined;
  readonly perCpu: boolean;
  /** Where a message about the key as a whole belongs. */
  readonly at: Position;
}

interface KeyLabels {
  /** In the order of the key. */
  readonly labels: readonly LabelPlan[];
  /** ebpf_exporter's way to ask for one series per CPU: a last label `cpu` that the key itself does not hold. */
  readonly cpu: Located<string> | undefined;
}

/** Bytes of a key that has no labels: ebpf_exporter's counters without any are the value of key zero, a u32. */
const unlabelledKey = 4;

/** The labels of a key, from what is written and from BTF; undefined where something was wrong, which is reported. */
export function resolveKeyLabels(
  key: KeyShape,
  entries: readonly LabelEntry[],
  diagnostics: Diagnostics,
): KeyLabels | undefined {
  const before = diagnostics.errorCount;
  const result = entries.some(({ size }) => size !== undefined)
    ? labelsBySize(key, entries, diagnostics)
    : { labels: labelsByMember(key, entries, diagnostics), cpu: undefined };
  return diagnostics.errorCount === before ? result : undefined;
}

/** One label per index that isn't the CPU, a u32 each, in the order of the dimensions. */
export function resolveIndexLabels(
  dimensions: readonly DimensionPlan[],
  entries: readonly LabelEntry[],
  diagnostics: Diagnostics,
): readonly LabelPlan[] | undefined {
  const before = diagnostics.errorCount;
  const names = dimensions.filter(({ cpu }) => !cpu).map(({ name }) => name);
  for (const { name, field, size, padding } of entries) {
    const index = field ?? name;
    if (!names.includes(index.value)) {
      diagnostics.error(index.at, `there is no index "${index.value}"${suggest(index.value, names)}`);
    }
    const bytes = size ?? padding;
    if (bytes !== undefined) diagnostics.error(bytes.at, 'the label of an index has no size: it is a u32');
  }
  const labels = names.map((name, position) => {
    const entry = entries.find((candidate) => (candidate.field ?? candidate.name).value === name);
    const offset = position * 4;
    if (entry === undefined) return { name, offset, size: 4, decoders: [{ name: 'uint' }] };
    const decoders = writtenDecoders(entry, undefined, diagnostics) ?? [{ name: 'uint' }];
    return { name: entry.name.value, offset, size: 4, decoders };
  });
  return diagnostics.errorCount === before ? labels : undefined;
}

/** ebpf_exporter's way: size and padding of each label, in order, the whole key to the byte. */
function labelsBySize(key: KeyShape, entries: readonly LabelEntry[], diagnostics: Diagnostics): KeyLabels {
  let offset = 0;
  const placed = entries.map((entry) => {
    if (entry.size === undefined) {
      diagnostics.error(entry.name.at, `label "${entry.name.value}" has no "size", but the others have`);
    }
    const size = entry.size?.value ?? 0;
    const place = { entry, offset, size };
    offset += size + (entry.padding?.value ?? 0);
    return place;
  });
  if (placed.some(({ entry }) => entry.size === undefined)) return { labels: [], cpu: undefined };

  const last = placed.at(-1)!;
  // Where it is the only label, the key is one that counters without labels have.
  const keyBytes = placed.length === 1 && last.size === 2 && key.size === unlabelledKey ? 0 : key.size;
  const cpu = key.perCpu && last.entry.name.value === 'cpu' && last.offset === keyBytes ? last.entry.name : undefined;
  if (cpu !== undefined && last.size !== 2) {
    diagnostics.error(last.entry.size!.at, 'the label "cpu" of a per-CPU map is a u16 behind the key: its size is 2');
  }
  const covered = cpu === undefined ? offset : last.offset;
  if (covered !== (cpu === undefined ? key.size : keyBytes)) {
    const type = key.type === undefined ? '' : ` (${typeText(key.type)})`;
    diagnostics.error(
      last.entry.name.at,
      `the labels cover ${covered} bytes, but the key of map "${key.map}" has ${key.size}${type}`,
    );
    return { labels: [], cpu: undefined };
  }
  const inKey = cpu === undefined ? placed : placed.slice(0, -1);
  const leaves = key.type === undefined ? [] : leavesOf({ offset: 0, type: key.type }, '', '');
  const labels = inKey.map(({ entry, offset: start, size }) => {
    const leaf = leaves.find((candidate) => candidate.offset === start && candidate.type.size === size);
    const decoders =
      writtenDecoders(entry, leaf?.type, diagnostics) ??
      decodersByType(leaf, entry, 'BTF has no member with this place and size', diagnostics);
    return { name: entry.name.value, offset: start, size, decoders };
  });
  return { labels, cpu };
}

/** Labels by the key's members; those that no label names are labels by themselves. */
function labelsByMember(key: KeyShape, entries: readonly LabelEntry[], diagnostics: Diagnostics): readonly LabelPlan[] {
  for (const { padding } of entries) {
    if (padding !== undefined) diagnostics.error(padding.at, '"padding" goes with "size" only');
  }
  const { type } = key;
  if (entries.length > 0 && type === undefined) {
    diagnostics.error(entries[0]!.name.at, `map "${key.map}" has no BTF type for its key: give every label its "size"`);
    return [];
  }
  if (type === undefined || type.kind !== 'struct') return labelsOfScalar(key, entries, diagnostics);

  const leaves = leavesOf({ offset: 0, type }, '', '');
  const written = entries.flatMap((entry) => {
    const place = findLabelPlace(type, leaves, entry, diagnostics);
    if (place === undefined) return [];
    const decoders = writtenDecoders(entry, place.type, diagnostics) ?? decodersByType(place, entry, '', diagnostics);
    return [{ name: entry.name.value, offset: place.offset, size: place.type.size, decoders }];
  });
  const rest = leaves.filter(
    ({ offset, type: { size } }) =>
      !written.some((label) => label.offset < offset + size && offset < label.offset + label.size),
  );
  const found = rest.flatMap((leaf) => {
    const decoders = leaf.bits ? undefined : decodersOf(leaf.type);
    const { name, offset } = leaf;
    if (decoders === undefined) {
      const what = leaf.bits ? 'a bitfield' : typeText(leaf.type);
      diagnostics.error(
        key.at,
        `member "${leaf.path}" of the key of map "${key.map}" is ${what}: give its label "decoders", or every label its "size"`,
      );
      return [];
    }
    const double = entries.find((entry) => entry.name.value === name);
    if (double !== undefined) {
      diagnostics.error(double.name.at, `label "${name}" is also what member "${leaf.path}" of the key is called`);
    }
    return [{ name, offset, size: leaf.type.size, decoders }];
  });
  return [...written, ...found].sort((a, b) => a.offset - b.offset);
}

/** A key that is no struct: it has no member to take a name from. */
function labelsOfScalar(key: KeyShape, entries: readonly LabelEntry[], diagnostics: Diagnostics): readonly LabelPlan[] {
  const type = key.type === undefined ? '' : ` (${typeText(key.type)})`;
  const [entry, second] = entries;
  if (entry === undefined) {
    if (key.size !== unlabelledKey) {
      diagnostics.error(key.at, `the key of map "${key.map}" has ${key.size} bytes${type}: give it "labels"`);
    }
    return [];
  }
  const wrong = entry.field ?? second?.name;
  if (wrong !== undefined) {
    diagnostics.error(wrong.at, `the key of map "${key.map}" has no members${type}: it is one label`);
    return [];
  }
  const place = { offset: 0, type: key.type! };
  const decoders = writtenDecoders(entry, place.type, diagnostics) ?? decodersByType(place, entry, '', diagnostics);
  return [{ name: entry.name.value, offset: 0, size: key.size, decoders }];
}

function findLabelPlace(
  type: BtfType,
  leaves: readonly Leaf[],
  entry: LabelEntry,
  diagnostics: Diagnostics,
): Place | undefined {
  const path = entry.field ?? entry.name;
  const place = findPath(type, path.value);
  if (!('error' in place)) return place;
  // A nested member by the name that its label has unless another is given.
  const leaf = leaves.find(({ name, bits }) => name === path.value && !bits);
  if (leaf !== undefined) return leaf;
  diagnostics.error(path.at, `the key's ${place.error}`);
  return undefined;
}

/** The decoders as written, an enum's names filled in from BTF; undefined where there are none. */
function writtenDecoders(
  entry: LabelEntry,
  type: BtfType | undefined,
  diagnostics: Diagnostics,
): readonly DecoderPlan[] | undefined {
  if (entry.decoders.length === 0) return undefined;
  return entry.decoders.map(({ at, ...plan }, position) => {
    if (plan.name !== 'enum' || plan.staticMap !== undefined) return plan;
    if (position === 0 && type?.kind === 'enum') return { ...enumDecoder(type.values), ...plan };
    diagnostics.error(
      at,
      `decoder "enum" has no names: BTF has no enum for label "${entry.name.value}", give "static_map"`,
    );
    return plan;
  });
}

function decodersByType(
  place: Place | undefined,
  entry: LabelEntry,
  otherwise: string,
  diagnostics: Diagnostics,
): readonly DecoderPlan[] {
  const decoders = place && decodersOf(place.type);
  if (decoders !== undefined) return decoders;
  const why = place === undefined ? otherwise : `its member is ${typeText(place.type)}`;
  diagnostics.error(entry.name.at, `label "${entry.name.value}" needs "decoders": ${why}`);
  return [];
}

/** What decodes a member whose label names no decoders; undefined where its type does not tell. */
function decodersOf(type: BtfType): readonly DecoderPlan[] | undefined {
  if (type.kind === 'array') return type.element.kind === 'int' && type.element.char ? [{ name: 'string' }] : undefined;
  if (type.kind === 'enum') return [enumDecoder(type.values)];
  const number = numberType(type);
  return number && [{ name: number.startsWith('i') ? 'int' : 'uint' }];
}

function enumDecoder(values: ReadonlyMap<bigint, string>): DecoderPlan {
  return { name: 'enum', staticMap: new Map([...values].map(([number, name]) => [String(number), name])) };
}

interface Leaf extends Place {
  /** The label's name: the path, joined by `_`. */
  readonly name: string;
  readonly path: string;
  readonly bits: boolean;
}

/** The members of a struct that are no structs themselves, in the order of the key; padding is left out. */
function leavesOf(place: Place, prefix: string, path: string): readonly Leaf[] {
  if (place.type.kind !== 'struct') return [{ ...place, name: prefix, path, bits: false }];
  return place.type.members.flatMap((member) => {
    const offset = place.offset + member.offset;
    if (member.name === '') {
      if (member.type.kind === 'struct') return leavesOf({ offset, type: member.type }, prefix, path);
      if (member.type.kind !== 'union') return [];
      const first = visibleMembers(member.type)[0]?.name ?? '';
      return [{ offset, type: member.type, name: join(prefix, first, '_'), path: join(path, first, '.'), bits: false }];
    }
    if (isPadding(member.name)) return [];
    const name = join(prefix, member.name, '_');
    const memberPath = join(path, member.name, '.');
    if (member.bits !== undefined) return [{ offset, type: member.type, name, path: memberPath, bits: true }];
    return leavesOf({ offset, type: member.type }, name, memberPath);
  });
}

function join(before: string, name: string, by: string): string {
  return before === '' ? name : before + by + name;
}
