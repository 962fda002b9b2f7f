// What NAME.yaml may say, read without looking at its object. May be imported within config by `resolve`.

import { basename, extname } from 'node:path';
import type { Diagnostics, Position } from '../yaml/diagnostic.ts';
import { type ConfigMap, type ConfigNode, parseYaml } from '../yaml/document.ts';
import { type Located, locatedNames } from '../yaml/located.ts';
import { type CgroupIdsEntry, parseCgroupIds } from './cgroup-ids.ts';
import { parseConstants } from './constants.ts';
import { type HookEntry, parseHooks } from './hooks.ts';
import { type MapEntry, parseMaps } from './map.ts';
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

const fileKeys = ['description', 'expensive', 'constants', 'hooks', 'maps', 'metrics', 'kaddrs', 'cgroup_id_map'];
/** ebpf_exporter's: its own name for the file, and what it exports as spans. */
const unusedKeys = ['name', 'tracing'];
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
  const maps = parseMaps(file.get('maps'), diagnostics);
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
  return constants.size === 0 && isDescribed && entries.length > 0 && entries.every(({ isWithoutC }) => isWithoutC);
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

/** Metrics of filled maps need what fills them, whether they name it or not. */
function withFillers(metrics: readonly MetricEntry[], maps: ReadonlyMap<string, MapEntry>): readonly MetricEntry[] {
  return metrics.map((metric) => {
    const filler = maps.get((metric.map ?? metric.name).value)?.filledBy;
    const { programs = [] } = metric.needs;
    if (filler === undefined || programs.some(({ value }) => value === filler.value)) return metric;
    return { ...metric, needs: { ...metric.needs, programs: [...programs, filler] } };
  });
}
