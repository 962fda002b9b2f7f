import { basename, extname } from 'node:path';
import { withFillers } from '../resolve/filled.ts';
import type { GenericMap } from '../without-c/map-kind.ts';
import { genericKeys, genericKind, parseGeneric, withDefaultLabels } from '../without-c/map-kinds.ts';
import type { Diagnostics, Position } from '../yaml/diagnostic.ts';
import { type ConfigMap, type ConfigNode, parseYaml } from '../yaml/document.ts';
import { type Located, located, locatedNames, locatedText, locatedWord } from '../yaml/located.ts';
import { type CgroupIdsEntry, parseCgroupIds } from './cgroup-ids.ts';
import { parseConstants } from './constants.ts';
import { type HookEntry, parseHooks } from './hooks.ts';
import { type LabelEntry, parseLabels } from './labels.ts';
import { type MetricEntry, parseMetric } from './metric.ts';

/** NAME.yaml as it is written, its own errors reported; what depends on the BPF object is resolved later. */
export interface ProgramFile {
  /** The pair's name: `block` for block.yaml. */
  readonly name: string;
  readonly path: string;
  /** Where the file begins, for what has no place of its own. */
  readonly at: Position;
  readonly description: string;
  readonly expensive: boolean;
  readonly constants: ReadonlyMap<string, Located<bigint>>;
  readonly hooks: ReadonlyMap<string, HookEntry>;
  readonly maps: ReadonlyMap<string, MapEntry>;
  readonly metrics: readonly MetricEntry[];
  /** Symbols of the kernel whose addresses the constants `kaddr_SYMBOL` are given. */
  readonly kaddrs: readonly Located<string>[];
  readonly cgroupIds: CgroupIdsEntry | undefined;
  /** Whether it has what ebpf_exporter exports as traces, which its BPF programs write into ring buffers. */
  readonly hasTraces: boolean;
  /** Whether it only has what ebpf_exporter exports as traces, so that there is nothing to run. */
  readonly hasOnlyTraces: boolean;
  /** False where the file has errors, which have been reported; the rest can still be resolved to find more of them. */
  readonly valid: boolean;
}

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
  /** Whether it is a map without C, which no object has; `generic` is then undefined where it is wrong. */
  readonly isGeneric: boolean;
  readonly generic: GenericMap | undefined;
  /** False where it has errors of its own, which have been reported. */
  readonly valid: boolean;
}

const fileKeys = ['description', 'expensive', 'constants', 'hooks', 'maps', 'metrics', 'kaddrs', 'cgroup_id_map'];
/** ebpf_exporter's: its own name for the file, and what it exports as spans. */
const unusedKeys = ['name', 'tracing'];
const mapKeys = ['map', 'field', 'index', 'labels', 'per_cpu', 'cache', 'zeros', 'expire', 'filled_by', 'emptied'];
const metricLists = ['counters', 'gauges', 'histograms'];
const metricKinds = { counters: 'counter', gauges: 'gauge', histograms: 'histogram' } as const;

/**
 * Parses NAME.yaml (docs/program-format.md). Everything that is wrong is reported with its place; undefined where
 * nothing of the file can be used.
 */
export function parseProgramFile(text: string, path: string, diagnostics: Diagnostics): ProgramFile | undefined {
  const before = diagnostics.errorCount;
  const root = parseYaml(text, path, diagnostics);
  if (root !== undefined && refuseFirstVersion(root)) return undefined;
  const file = root?.map([...fileKeys, ...unusedKeys]);
  if (root === undefined || file === undefined) return undefined;
  const tracing = file.entries.find(({ name }) => name === 'tracing');

  const description = file.get('description')?.text() ?? '';
  const expensive = file.get('expensive')?.boolean() ?? false;
  const constants = parseConstants(file.get('constants'));
  const hooks = parseHooks(file.get('hooks'));
  const maps = parseMaps(file, diagnostics);
  const metrics = withFillers(parseMetrics(file, diagnostics), maps);
  const kaddrs = locatedNames(file.get('kaddrs'), 'symbol');
  const cgroupIds = parseCgroupIds(file.get('cgroup_id_map'));
  const hasList = metricLists.some((list) => !(file.get('metrics')?.map()?.get(list)?.isNull ?? true));
  const hasOnlyTraces = tracing !== undefined && metrics.length === 0;
  const rest = hasOnlyTraces ? 'and there are no metrics in this file' : 'only the metrics of this file';
  tracing?.key.warn(`"tracing": traces are not exported, ${rest}`);
  if (diagnostics.errorCount === before && metrics.length === 0 && !hasList && !hasOnlyTraces) {
    (file.get('metrics') ?? root).error('there are no metrics: "metrics" needs "counters", "gauges" or "histograms"');
  }
  return {
    name: basename(path, extname(path)),
    path,
    at: root.position,
    description,
    expensive,
    constants,
    hooks,
    maps,
    metrics,
    kaddrs,
    cgroupIds,
    hasTraces: tracing !== undefined,
    hasOnlyTraces,
    valid: diagnostics.errorCount === before,
  };
}

/** ebpf_exporter before 2.0 had its C in the YAML, and compiled it on each host. */
function refuseFirstVersion(root: ConfigNode): boolean {
  const programs = root.isMap ? root.map()?.entries.find(({ name }) => name === 'programs') : undefined;
  if (programs === undefined) return false;
  programs.key.error(
    '"programs": a file of ebpf_exporter\'s version 1, which has the C in the YAML; put the C into NAME.bpf.c, compile it to NAME.bpf.o, and leave "metrics" of the program in NAME.yaml, as https://github.com/cloudflare/ebpf_exporter has them since version 2',
  );
  return true;
}

/** Whether it describes nothing that an object has to have: all that its metrics read are maps without C. */
export function needsNoObject({ maps, metrics, constants, kaddrs, cgroupIds }: ProgramFile): boolean {
  const entries = [...maps.values()];
  const isDescribed = metrics.every((metric) => maps.has((metric.map ?? metric.name).value));
  if (kaddrs.length > 0 || cgroupIds !== undefined) return false;
  return constants.size === 0 && isDescribed && entries.length > 0 && entries.every(({ isGeneric }) => isGeneric);
}

function parseMaps(file: ConfigMap, diagnostics: Diagnostics): Map<string, MapEntry> {
  const maps = new Map<string, MapEntry>();
  for (const { name, key, value } of file.get('maps')?.map()?.entries ?? []) {
    const before = diagnostics.errorCount;
    const kind = genericKind(value.isMap ? value.map()!.entries.map((one) => one.name) : []);
    const known = kind === undefined ? [...mapKeys, ...genericKeys] : [kind.key, ...kind.options, 'labels'];
    const entry = value.map(known);
    const own = { value: name, at: key.position };
    const generic = kind && entry && parseGeneric(kind, entry, name, diagnostics);
    const written = parseLabels(entry?.get('labels'));
    const labels = generic === undefined ? written : withDefaultLabels(written, generic.labels, own.at);
    // What nothing in C keeps in bounds mustn't fill up with cgroups that are gone.
    const hasCgroup = labels.some(({ decoders }) => decoders.some((decoder) => decoder.name === 'cgroup'));
    const expire = generic !== undefined && hasCgroup ? ({ value: 'cgroup', at: own.at } as const) : undefined;
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
      isGeneric: kind !== undefined,
      generic,
    };
    maps.set(name, { ...parsed, valid: diagnostics.errorCount === before });
  }
  return maps;
}

function parseMetrics(file: ConfigMap, diagnostics: Diagnostics): MetricEntry[] {
  const lists = file.get('metrics')?.map(metricLists);
  const metrics: MetricEntry[] = [];
  for (const { name, value } of lists?.entries ?? []) {
    if (!Object.hasOwn(metricKinds, name)) continue;
    for (const item of value.list() ?? []) {
      const metric = parseMetric(item, metricKinds[name as keyof typeof metricKinds], diagnostics);
      if (metric === undefined) continue;
      const first = metrics.find((other) => other.name.value === metric.name.value);
      if (first !== undefined) {
        diagnostics.error(
          metric.name.at,
          `metric "${metric.name.value}" is there already, in line ${first.name.at.line}`,
        );
        continue;
      }
      metrics.push(metric);
    }
  }
  return metrics;
}
