import type { BtfType, MapLayout, VariableLayout } from '../../btf/types.ts';
import type { LabelPlan, SourcePlan } from '../plan.ts';
import type { MapEntry } from '../program/map.ts';
import type { Diagnostics, Position } from '../yaml/diagnostic.ts';
import type { Located } from '../yaml/located.ts';
import { suggest } from '../yaml/nearest.ts';
import { findPath, typeText } from './btf-path.ts';
import { resolveCache } from './cache.ts';
import type { ResolveContext } from './context.ts';
import { Dimensions, type Element } from './dimensions.ts';
import { resolveExpire } from './expire.ts';
import { resolveIndexLabels, resolveKeyLabels } from './labels.ts';
import { isConstant } from './object-parts.ts';

/** What a metric reads, whether it is described in `maps` or by the metric itself. */
interface MapReference
  extends Pick<MapEntry, 'map' | 'field' | 'index' | 'labels' | 'perCpu' | 'cache' | 'zeros' | 'expire'> {
  /** Whether it stands in `maps`; else it is a metric that names the BPF map, as in ebpf_exporter's format. */
  readonly described: boolean;
  /** Where messages about the whole belong. */
  readonly at: Position;
}

/** Where rows come from and what one of them holds. */
export interface ResolvedSource {
  readonly source: SourcePlan;
  readonly keySize: number;
  readonly labels: readonly LabelPlan[];
  /** What a metric's `field` is a part of. */
  readonly element: Element;
  /** ARRAY maps and global arrays that are to be sized to the CPUs. */
  readonly perCpuFirst: readonly string[];
}

const keyedTypes = ['hash', 'lru_hash', 'percpu_hash', 'lru_percpu_hash', 'lpm_trie', 'array', 'percpu_array'];

/** The source of a table's rows; undefined where something was wrong, which is reported. */
export function resolveSource(reference: MapReference, context: ResolveContext): ResolvedSource | undefined {
  const { layout, diagnostics } = context;
  const { value: name, at } = reference.map;
  const before = diagnostics.errorCount;
  const map = layout.maps.find((candidate) => candidate.name === name);
  const variable = layout.variables.find((candidate) => candidate.name === name);
  let result: ResolvedSource | undefined;
  if (map !== undefined) result = sourceOfMap(map, reference, context);
  else if (variable !== undefined) result = sourceOfVariable(variable, reference, context);
  else {
    // Data sections are maps too, but no names that a YAML uses.
    const maps = layout.maps.map((candidate) => candidate.name).filter((candidate) => !candidate.includes('.'));
    const memory = layout.variables.filter((one) => !isConstant(one)).map((candidate) => candidate.name);
    diagnostics.error(
      at,
      `no BPF map or global variable "${name}" in ${layout.path}${suggest(name, [...maps, ...memory])}`,
    );
  }
  return diagnostics.errorCount === before ? result : undefined;
}

function sourceOfMap(map: MapLayout, reference: MapReference, context: ResolveContext): ResolvedSource | undefined {
  const { diagnostics } = context;
  if (!keyedTypes.includes(map.type)) {
    const instead =
      map.type === 'perf_event_array' ? '; a counter with "perf_event_array: true" counts its records' : '';
    const message = `map "${map.name}" is of type ${map.type}, from which no metrics are read`;
    diagnostics.error(reference.map.at, message + instead);
    return undefined;
  }
  const { index } = reference;
  if (map.type === 'array' && (index !== undefined || reference.labels.length === 0)) {
    return elementsOfArray(map, reference, context);
  }
  if (index === undefined) return entriesOfMap(map, reference, context);
  if (map.type === 'percpu_array') return entriesOfPerCpuArray(map, index, reference, context);
  diagnostics.error(
    index[0]?.at ?? reference.at,
    `"index" is for ARRAY maps and global variables; "${map.name}" is of type ${map.type}`,
  );
  return undefined;
}

/** A map read by key. */
function entriesOfMap(map: MapLayout, reference: MapReference, context: ResolveContext): ResolvedSource | undefined {
  const { diagnostics } = context;
  const isPerCpu = map.type.includes('percpu');
  const key = { map: map.name, size: map.keySize, type: map.key, perCpu: isPerCpu, at: reference.at };
  const resolved = resolveKeyLabels(key, reference.labels, diagnostics);
  if (resolved === undefined) return undefined;
  if (reference.described && resolved.labels.length === 0 && map.maxEntries > 1) {
    diagnostics.error(reference.at, `map "${map.name}" has up to ${map.maxEntries} keys: name its label in "labels"`);
  }
  return entries(map, resolved.labels, resolved.cpu, reference, context);
}

/** A per-CPU ARRAY, whose index is its key; there is no memory to map. */
function entriesOfPerCpuArray(
  map: MapLayout,
  index: readonly Located<string>[],
  reference: MapReference,
  context: ResolveContext,
): ResolvedSource | undefined {
  const [name, further] = index;
  const wrong = further ?? (name?.value === 'cpu' ? name : undefined);
  if (name === undefined || wrong !== undefined) {
    context.diagnostics.error(
      wrong?.at ?? reference.at,
      `map "${map.name}" is per CPU by itself and has one index to name`,
    );
    return undefined;
  }
  const dimension = { name: name.value, cpu: false, count: map.maxEntries, stride: 0 };
  const labels = resolveIndexLabels([dimension], reference.labels, context.diagnostics);
  return labels && entries(map, labels, undefined, reference, context);
}

function entries(
  map: MapLayout,
  labels: readonly LabelPlan[],
  cpuLabel: Located<string> | undefined,
  reference: MapReference,
  context: ResolveContext,
): ResolvedSource | undefined {
  const { diagnostics } = context;
  const isPerCpu = map.type.includes('percpu');
  const { perCpu, zeros } = reference;
  if (zeros !== undefined)
    diagnostics.error(zeros.at, '"zeros" is for indexed elements; every key in a map is a series');
  if (perCpu !== undefined && !isPerCpu) {
    diagnostics.error(perCpu.at, `"per_cpu" is for per-CPU maps; "${map.name}" is of type ${map.type}`);
  }
  const byCpu = cpuLabel ?? (perCpu?.value === 'sum' ? undefined : perCpu);
  const cache = reference.cache && resolveCache(map, reference.cache, context);
  if (reference.cache !== undefined && byCpu !== undefined) {
    diagnostics.error(byCpu.at, 'a map with a "cache" is summed over the CPUs: it can have no label for the CPU');
  }
  const taken = byCpu && labels.find(({ name }) => name === byCpu.value);
  if (taken !== undefined) diagnostics.error(byCpu!.at, `label "${taken.name}" is a part of the key already`);
  const element = elementAt(map, reference, diagnostics);
  if (element === undefined) return undefined;
  const expire = reference.expire && resolveExpire(map, labels, cache?.plan, reference.expire, diagnostics);
  const cpu = byCpu && { name: byCpu.value, offset: map.keySize, size: 2, decoders: [{ name: 'uint' }] };
  return {
    source: {
      kind: 'entries',
      map: map.name,
      perCpu: cpu !== undefined ? 'label' : isPerCpu ? 'sum' : 'no',
      cache: cache?.plan,
      ...(expire && { expire }),
    },
    keySize: map.keySize + (cpu?.size ?? 0),
    labels: cpu === undefined ? labels : [...labels, cpu],
    element,
    perCpuFirst: cache?.perCpuFirst ?? [],
  };
}

/** The part of a map's value that `field` names. */
function elementAt(map: MapLayout, reference: MapReference, diagnostics: Diagnostics): Element | undefined {
  const { field } = reference;
  const whole = { offset: 0, size: map.valueSize, type: map.value, name: `the value of map "${map.name}"` };
  if (field === undefined) return whole;
  const place = placeOf(field, map.value, whole.name, diagnostics);
  if (place === undefined) return undefined;
  if (place.type.kind === 'array') {
    diagnostics.error(
      field.at,
      `"${field.value}" is ${typeText(place.type)}: only ARRAY maps and global variables have indexes in the value`,
    );
    return undefined;
  }
  return { offset: place.offset, size: place.type.size, type: place.type, name: `"${field.value}"` };
}

function placeOf(field: Located<string>, type: BtfType | undefined, owner: string, diagnostics: Diagnostics) {
  if (type === undefined) {
    diagnostics.error(field.at, `${owner} has no BTF type, so it has no fields`);
    return undefined;
  }
  const place = findPath(type, field.value);
  if (!('error' in place)) return place;
  diagnostics.error(field.at, `${owner}: ${place.error}`);
  return undefined;
}

function elementsOfArray(map: MapLayout, reference: MapReference, context: ResolveContext): ResolvedSource | undefined {
  const { diagnostics } = context;
  const { field, index } = reference;
  if (reference.described && index === undefined && map.maxEntries > 1) {
    diagnostics.error(reference.at, `map "${map.name}" has ${map.maxEntries} elements: name its index in "index"`);
    return undefined;
  }
  const dimensions = new Dimensions(index ?? [], context);
  // The kernel rounds an element's size up to 8 bytes: array_map_alloc in kernel/bpf/arraymap.c.
  const stride = Math.ceil(map.valueSize / 8) * 8;
  const skipsOwn = map.maxEntries === 1 && field !== undefined && index?.[0]?.value !== 'cpu';
  if (!skipsOwn) dimensions.takeOwn(map, stride);
  const start = { offset: 0, size: map.valueSize, type: map.value, name: `the value of map "${map.name}"` };
  return indexed(map.name, 0, start, dimensions, reference, context);
}

function sourceOfVariable(
  variable: VariableLayout,
  reference: MapReference,
  context: ResolveContext,
): ResolvedSource | undefined {
  const { map, field, index } = reference;
  if (isConstant(variable)) {
    context.diagnostics.error(map.at, `"${variable.name}" is a constant in ${variable.section}, which counts nothing`);
    return undefined;
  }
  const { size, type } = variable;
  const dimensions = new Dimensions(index ?? [], context);
  const start = dimensions.takeVariable(variable, { offset: 0, size, type, name: `"${variable.name}"` });
  if (field !== undefined && start.type?.kind === 'array') {
    context.diagnostics.error(field.at, `"${variable.name}" is ${typeText(type)}: name its indexes in "index"`);
    return undefined;
  }
  return indexed(variable.section, variable.offset, start, dimensions, reference, context);
}

function indexed(
  map: string,
  offset: number,
  start: Element,
  dimensions: Dimensions,
  reference: MapReference,
  context: ResolveContext,
): ResolvedSource | undefined {
  const { diagnostics } = context;
  const { field, perCpu, cache, zeros, expire } = reference;
  if (perCpu !== undefined) {
    diagnostics.error(
      perCpu.at,
      `"per_cpu" is for per-CPU maps; here name the CPU's index "cpu", and it is summed over`,
    );
  }
  if (cache !== undefined) diagnostics.error(cache.at, '"cache" is for maps with keys');
  if (expire !== undefined) diagnostics.error(expire.at, '"expire" is for maps with keys');
  let element = start;
  if (field !== undefined) {
    const place = placeOf(field, start.type, start.name, diagnostics);
    if (place === undefined) return undefined;
    element = {
      offset: start.offset + place.offset,
      size: place.type.size,
      type: place.type,
      name: `"${field.value}"`,
    };
  }
  element = dimensions.takeArrays(element);
  const plans = dimensions.finish(element);
  const labels = resolveIndexLabels(plans, reference.labels, diagnostics);
  if (labels === undefined) return undefined;
  return {
    source: {
      kind: 'indexed',
      memory: { map, offset: offset + element.offset },
      dimensions: plans,
      zeros: zeros?.value ?? labels.length === 0,
    },
    keySize: labels.length * 4,
    labels,
    element: { ...element, offset: 0 },
    perCpuFirst: dimensions.perCpuFirst,
  };
}
