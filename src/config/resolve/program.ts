// What NAME.yaml says, held against the types of its object and what the operator wants: the plan of a program. May be
// imported within config for types by `views.ts`.

import type { ObjectLayout } from '../../btf/types.ts';
import type { HistogramMetricPlan, ProgramPlan, Scale, SourceWithoutC } from '../plan.ts';
import type { ProgramFile } from '../program/file.ts';
import type { MapEntry } from '../program/map.ts';
import type { MetricEntry } from '../program/metric.ts';
import { type CountedIn, scaleBetween, unscaled } from '../program/units.ts';
import type { Diagnostics, Position } from '../yaml/diagnostic.ts';
import { goFloat } from '../yaml/go-float.ts';
import type { Located } from '../yaml/located.ts';
import { suggest } from '../yaml/nearest.ts';
import { keyBuckets, slotBounds } from './buckets.ts';
import { resolveConstants } from './constants.ts';
import { resolveFilled } from './filled.ts';
import { resolveHooks } from './hooks.ts';
import { resolveInterfaces } from './interfaces.ts';
import { resolveKernel } from './kernel.ts';
import { resolveSkippedMaps } from './maps.ts';
import { blameOperator, type OperatorSettings } from './operator-settings.ts';
import { perfArraysOf, resolvePerfArray } from './perf-array.ts';
import { type ResolvedSource, resolveSource } from './source.ts';
import { TablesBuilder } from './table-builder.ts';
import { isBucketCount, numberIn, slotsIn } from './values.ts';

export interface ResolveOptions extends OperatorSettings {
  /** Prefix of every metric's name; '' for none. */
  readonly namespace: string;
  /** Number of possible CPUs. */
  readonly cpus: number;
  /** The kernel's, in bytes; 4096 unless given. */
  readonly pageSize?: number | undefined;
}

/** A plan, and where its metrics stand in the file, for what is found out later (check-together.ts). */
export interface ResolvedProgram extends ProgramPlan {
  /** By the metric's full name. */
  readonly origins: ReadonlyMap<string, MetricOrigin>;
}

interface MetricOrigin {
  readonly name: Position;
  /** Those that the file names; BTF's have no place. */
  readonly labels: ReadonlyMap<string, Position>;
}

/**
 * What a program exports and how it is read: its file against its object, if it has one. Metrics that are not enabled are checked
 * too, but not read. Undefined where something was wrong, in the file or between the two; all of it is reported.
 */
export function resolveProgram(
  file: ProgramFile,
  object: ObjectLayout | undefined,
  options: ResolveOptions,
  diagnostics: Diagnostics,
): ResolvedProgram | undefined {
  const before = diagnostics.errorCount;
  const layout = object ?? { path: file.path, maps: [], variables: [], programs: [] };
  if (layout.hasLicense === false) {
    const line = 'char LICENSE[] SEC("license") = "GPL";';
    diagnostics.warn(
      file.at,
      `${layout.path} says no license, so the kernel refuses it helpers and hooks: in C, ${line}`,
    );
  }
  const enabled = enabledMetrics(file, options, diagnostics);
  const constants = resolveConstants(file, enabled, options, layout, diagnostics);
  const nameOf = (metric: MetricEntry) => fullName(metric, options.namespace);
  const skipMaps = resolveSkippedMaps(file.metrics, enabled, layout, diagnostics);
  const load = resolveHooks(file, enabled, nameOf, options, layout, diagnostics);
  const filled = resolveFilled(file, enabled, layout, diagnostics);
  const interfaces = resolveInterfaces(file, options, layout, diagnostics);

  const kernel = resolveKernel(file, layout, diagnostics);
  const perfArrays = perfArraysOf(file, enabled, diagnostics);
  const rings = layout.maps.filter(({ type, name }) => type === 'ringbuf' && !skipMaps.has(name));
  const discarded = file.hasTraces ? rings.map(({ name }) => name) : [];
  const context = { layout: withGenericMaps(layout, file, diagnostics), cpus: options.cpus, diagnostics };
  const described = new Map<string, ResolvedSource | undefined>();
  for (const entry of file.maps.values()) {
    described.set(
      entry.name.value,
      entry.valid ? resolveSource({ ...entry, described: true, at: entry.name.at }, context) : undefined,
    );
  }
  const tables = new TablesBuilder();
  const unread = new TablesBuilder();
  const perCpuFirst = new Set<string>();
  const origins = new Map<string, MetricOrigin>();
  for (const metric of file.metrics) {
    const entry = mapEntryOf(metric, file);
    if (entry !== undefined && metric.labels.length > 0) {
      const { at } = metric.labels[0]!.name;
      diagnostics.error(at, `map "${entry.name.value}" is described in "maps": its labels belong there`);
    }
    if (!metric.valid) continue;
    if (metric.perfEventArray && entry !== undefined) {
      const message = `map "${entry.name.value}" is described in "maps": a perf event array has its labels here`;
      diagnostics.error(metric.name.at, message);
      continue;
    }
    const source = metric.perfEventArray
      ? resolvePerfArray(metric, context)
      : entry === undefined
        ? resolveSource(directReference(metric), context)
        : described.get(entry.name.value);
    if (source === undefined) continue;
    const isEnabled = enabled.includes(metric);
    const name = nameOf(metric);
    addMetric(metric, name, source, isEnabled ? tables : unread, {
      options,
      diagnostics,
      table: (entry?.map ?? metric.map ?? metric.name).value,
    });
    // Also where no enabled metric reads it: what counts others may look for its CPU there.
    for (const map of source.perCpuFirst) if (!skipMaps.has(map)) perCpuFirst.add(map);
    if (!isEnabled) continue;
    const labels = entry?.labels ?? metric.labels;
    origins.set(name, {
      name: metric.name.at,
      labels: new Map(labels.map((label) => [label.name.value, label.name.at])),
    });
  }
  if (!file.valid || diagnostics.errorCount !== before) return undefined;
  return {
    name: file.name,
    description: file.description,
    expensive: file.expensive,
    file: file.path,
    object: object?.path,
    tables: tables.build(),
    sources: sourcesWithoutC(file, enabled, options.namespace),
    constants,
    ...load,
    skipMaps: new Set([...skipMaps, ...load.skipMaps]),
    perCpuFirst: [...perCpuFirst],
    filled,
    interfaces,
    ...kernel,
    ...(perfArrays.length > 0 && { perfArrays }),
    ...(discarded.length > 0 && { discarded }),
    origins,
  };
}

/** The object's maps, and before them those that no object has. */
function withGenericMaps(layout: ObjectLayout, file: ProgramFile, diagnostics: Diagnostics): ObjectLayout {
  const entries = [...file.maps.values()];
  for (const { name } of entries.filter(({ isWithoutC }) => isWithoutC)) {
    const isThere = [...layout.maps, ...layout.variables].some((one) => one.name === name.value);
    if (isThere) diagnostics.error(name.at, `${layout.path} has a "${name.value}" already: call this map otherwise`);
  }
  return { ...layout, maps: [...entries.flatMap(({ withoutC }) => withoutC?.layout ?? []), ...layout.maps] };
}

/** The maps without C that enabled metrics read. */
function sourcesWithoutC(file: ProgramFile, enabled: readonly MetricEntry[], namespace: string): SourceWithoutC[] {
  return [...file.maps.values()].flatMap(({ name, withoutC }) => {
    const metrics = enabled
      .filter((metric) => mapEntryOf(metric, file)?.name.value === name.value)
      .map((metric) => ({ name: fullName(metric, namespace), field: metric.field?.value }));
    return withoutC === undefined || metrics.length === 0
      ? []
      : [{ map: name.value, counts: withoutC.counts, metrics }];
  });
}

function enabledMetrics(file: ProgramFile, options: ResolveOptions, diagnostics: Diagnostics): readonly MetricEntry[] {
  const wanted = options.metrics;
  const names = file.metrics.map(({ name }) => name.value);
  const unknown = (wanted ?? []).filter((name) => !names.includes(name));
  for (const name of unknown) {
    const message = `program "${file.name}" has no metric "${name}"${suggest(name, names)}`;
    blameOperator(`metrics.${name}`, message, file, options, diagnostics);
  }
  const enabled = file.metrics.filter(({ name, expensive }) => wanted?.includes(name.value) ?? !expensive);
  if (enabled.length === 0 && unknown.length === 0 && file.valid) {
    diagnostics.error(file.at, `no metric of program "${file.name}" is enabled`);
  }
  return enabled;
}

function mapEntryOf(metric: MetricEntry, file: ProgramFile): MapEntry | undefined {
  return file.maps.get((metric.map ?? metric.name).value);
}

function directReference(metric: MetricEntry) {
  const nothing = {
    field: undefined,
    index: undefined,
    perCpu: undefined,
    cache: undefined,
    zeros: undefined,
    expire: undefined,
  };
  const { labels, map, name } = metric;
  return { ...nothing, map: map ?? name, labels, described: false, at: (map ?? name).at };
}

function fullName({ name }: MetricEntry, namespace: string): string {
  return namespace === '' ? name.value : `${namespace}.${name.value}`;
}

interface AddContext {
  readonly options: ResolveOptions;
  readonly diagnostics: Diagnostics;
  /** The map's name. */
  readonly table: string;
}

function addMetric(
  metric: MetricEntry,
  name: string,
  resolved: ResolvedSource,
  tables: TablesBuilder,
  context: AddContext,
): void {
  const { diagnostics, options } = context;
  const { source, keySize, labels, element } = resolved;
  const base = { name, help: metric.help, unit: metric.unit?.value ?? '' };
  const shape = { name: context.table, source, keySize, labels, bucketKey: undefined };
  if (metric.kind === 'histogram') {
    if (isBucketCount(metric, element)) addKeyHistogram(metric, base, resolved, tables, context);
    else addSlotHistogram(metric, base, resolved, tables, context);
    return;
  }
  const numbers = numberIn(metric, element, diagnostics);
  const scale = scaleOf(metric.in, metric, options, diagnostics);
  if (numbers === undefined || scale === undefined) return;
  const table = tables.table(shape);
  table.metrics.push({ ...base, kind: metric.kind, cell: table.cell(numbers), scale });
}

/** What to write for a histogram such as that of a run queue's length, whose map counts by length. */
const bucketLabel =
  'Write it as labels: [{name: bucket, size: 4, decoders: [{name: uint}]}], with bucket_type: linear and bucket_max';

type MetricBase = Pick<HistogramMetricPlan, 'name' | 'help' | 'unit'>;

function addSlotHistogram(
  metric: MetricEntry,
  base: MetricBase,
  { source, keySize, labels, element }: ResolvedSource,
  tables: TablesBuilder,
  { options, diagnostics, table: name }: AddContext,
): void {
  const numbers = slotsIn(metric, element, diagnostics);
  const scale = scaleOf(metric.in, metric, options, diagnostics);
  const sumScale = scaleOf(metric.sumIn ?? metric.in, metric, options, diagnostics);
  if (metric.sumIn !== undefined && numbers !== undefined && numbers.sum === undefined) {
    diagnostics.error(metric.sumIn.at, `"sum_in": histogram "${metric.name.value}" has no sum`);
  }
  const bounds = numbers && scale && slotBounds(metric, numbers.slots.count, scale, numbers.at, diagnostics);
  if (bounds === undefined || sumScale === undefined) return;
  const table = tables.table({ name, source, keySize, labels, bucketKey: undefined });
  table.metrics.push({
    ...base,
    kind: 'histogram',
    cell: table.cell(numbers!.slots),
    ...bounds,
    le: bounds.bounds.map(goFloat),
    sum: numbers!.sum && { cell: table.cell(numbers!.sum), scale: sumScale },
  });
}

function addKeyHistogram(
  metric: MetricEntry,
  base: MetricBase,
  { source, keySize, labels, element }: ResolvedSource,
  tables: TablesBuilder,
  { diagnostics, table: name }: AddContext,
): void {
  const { at } = metric.name;
  const what = `histogram "${metric.name.value}": the value of "${name}" is one number, so its buckets are in the key`;
  if (source.kind === 'indexed') {
    diagnostics.error(at, `${what}, but it has only indexes. ${bucketLabel}`);
    return;
  }
  // The CPU stands behind the key, of which the bucket is the last part.
  const inKey = source.perCpu === 'label' ? labels.slice(0, -1) : labels;
  const bucket = inKey.at(-1);
  if (bucket === undefined) {
    const others = source.perCpu === 'label' ? ' beside the CPU' : '';
    diagnostics.error(at, `${what}, but it has no labels${others}: the last is the bucket. ${bucketLabel}`);
    return;
  }
  const numbers = numberIn(metric, element, diagnostics);
  const buckets = keyBuckets(metric, bucket, diagnostics);
  if (numbers === undefined || buckets === undefined) return;
  const { bucketKey, sumScale, ...bounds } = buckets;
  const others = labels.filter((label) => label !== bucket);
  const table = tables.table({ name, source, keySize, labels: others, bucketKey });
  table.cell(numbers);
  table.metrics.push({
    ...base,
    kind: 'histogram',
    cell: 0,
    ...bounds,
    le: bounds.bounds.map(goFloat),
    sum: { cell: bounds.slots, scale: sumScale },
  });
}

function scaleOf(
  from: Located<CountedIn> | undefined,
  { unit }: MetricEntry,
  { pageSize = 4096 }: ResolveOptions,
  diagnostics: Diagnostics,
): Scale | undefined {
  if (from === undefined) return unscaled;
  if (unit === undefined) {
    diagnostics.error(from.at, `counted in ${from.value}, but the metric has no "unit" to turn it into`);
    return undefined;
  }
  const scale = scaleBetween(from.value, unit.value, pageSize);
  if (scale === undefined) diagnostics.error(from.at, `${from.value} can't be turned into the unit ${unit.value}`);
  return scale;
}
