import type { Diagnostics } from '../yaml/diagnostic.ts';
import type { ConfigMap, ConfigNode } from '../yaml/document.ts';
import { goDuration } from '../yaml/go-duration.ts';
import { type Located, located, locatedText, locatedWord } from '../yaml/located.ts';
import { type LabelEntry, parseLabels } from './labels.ts';
import { type CountedIn, countedIn, unitMeant } from './units.ts';

type MetricKind = 'counter' | 'gauge' | 'histogram';

/** One metric as it is written. */
export interface MetricEntry {
  readonly kind: MetricKind;
  /** Without the namespace. */
  readonly name: Located<string>;
  readonly help: string;
  readonly unit: Located<string> | undefined;
  readonly map: Located<string> | undefined;
  readonly labels: readonly LabelEntry[];
  readonly field: Located<string> | undefined;
  readonly slots: Located<string> | undefined;
  readonly sum: Located<string> | undefined;
  readonly in: Located<CountedIn> | undefined;
  readonly sumIn: Located<CountedIn> | undefined;
  readonly buckets: BucketsEntry;
  readonly needs: NeedsEntry;
  /** Not enabled unless an operator names it. */
  readonly expensive: boolean;
  /** Whether its map is a PERF_EVENT_ARRAY, each record of which counts one. */
  readonly perfEventArray: boolean;
  /** Milliseconds; 0: never. */
  readonly flushInterval: Located<number> | undefined;
  /** False where it has errors of its own, which have been reported. */
  readonly valid: boolean;
}

const bucketTypes = ['exp2', 'exp2zero', 'linear', 'fixed'] as const;
export type BucketType = (typeof bucketTypes)[number];

interface BucketsEntry {
  readonly type: Located<BucketType> | undefined;
  readonly min: Located<number> | undefined;
  readonly max: Located<number> | undefined;
  readonly multiplier: Located<number> | undefined;
  /** Ascending, unless the file is read as ebpf_exporter reads it. */
  readonly keys: Located<readonly number[]> | undefined;
}

interface NeedsEntry {
  readonly constants: readonly Located<string>[];
  /** BPF programs and hooks, all of which it needs; undefined: every one of the object. */
  readonly programs: readonly Located<string>[] | undefined;
  /** Of these at least one; none where the file says none. */
  readonly any: readonly Located<string>[];
  /** BPF maps that only metrics use which name them. */
  readonly maps: readonly Located<string>[];
}

const numberKeys = ['name', 'help', 'unit', 'map', 'labels', 'field', 'in', 'needs', 'expensive'];
const counterKeys = [...numberKeys, 'perf_event_array', 'flush_interval'];
const histogramKeys = [
  ...['name', 'help', 'unit', 'map', 'labels', 'field', 'slots', 'sum', 'in', 'sum_in', 'needs', 'expensive'],
  ...['bucket_type', 'bucket_min', 'bucket_max', 'bucket_multiplier', 'bucket_keys'],
];
const keys = { counter: counterKeys, gauge: numberKeys, histogram: histogramKeys };

/** One metric; undefined where it has no name to be called by. */
export function parseMetric(node: ConfigNode, kind: MetricKind, diagnostics: Diagnostics): MetricEntry | undefined {
  const before = diagnostics.errorCount;
  const metric = node.map(keys[kind], ['values']);
  if (metric === undefined) return undefined;
  const nameNode = metric.required('name');
  const name = locatedText(nameNode);
  if (name !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$/.test(name.value)) {
    nameNode!.error(`metric name ${JSON.stringify(name.value)} may have letters, digits and _ . - / only, at most 200`);
  }
  const unit = locatedText(metric.get('unit'));
  if (unit !== undefined && !/^[!-~]{1,63}$/.test(unit.value)) {
    metric.get('unit')!.error(`unit ${JSON.stringify(unit.value)} is not UCUM: at most 63 ASCII characters, no spaces`);
  }
  const meant = unit && unitMeant(unit.value);
  if (meant !== undefined) {
    metric
      .get('unit')!
      .warn(`unit "${unit!.value}" is a word, not UCUM; "${meant.code}" is, and Prometheus gets ${meant.name}`);
  }
  const entry = {
    kind,
    help: metric.get('help')?.isNull ? '' : (metric.get('help')?.text() ?? ''),
    unit,
    map: locatedText(metric.get('map')),
    labels: parseLabels(metric.get('labels')),
    field: locatedText(metric.get('field')),
    slots: locatedText(metric.get('slots')),
    sum: locatedText(metric.get('sum')),
    in: locatedWord(metric.get('in'), countedIn),
    sumIn: locatedWord(metric.get('sum_in'), countedIn),
    buckets: parseBuckets(metric),
    needs: parseNeeds(metric.get('needs')),
    expensive: metric.get('expensive')?.boolean() ?? false,
    perfEventArray: metric.get('perf_event_array')?.yesOrNo() ?? false,
    flushInterval: located(metric.get('flush_interval'), parseInterval),
  };
  if (entry.flushInterval !== undefined && !entry.perfEventArray) {
    const message = '"flush_interval" is for counters with "perf_event_array: true"';
    const node = metric.get('flush_interval')!;
    if (node.readsAsExporter) node.warn(message);
    else node.error(message);
  }
  return name === undefined ? undefined : { name, ...entry, valid: diagnostics.errorCount === before };
}

function parseBuckets(metric: ConfigMap): BucketsEntry {
  return {
    type: locatedWord(metric.get('bucket_type'), bucketTypes),
    min: located(metric.get('bucket_min'), parseMin),
    max: located(metric.get('bucket_max'), (node) => node.integer({ min: 0 })),
    multiplier: located(metric.get('bucket_multiplier'), (node) => node.number({ min: 0 })),
    keys: located(metric.get('bucket_keys'), parseKeys),
  };
}

function parseMin(node: ConfigNode): number | undefined {
  if (!node.readsAsExporter) return node.integer({ min: 0 });
  const min = node.integer();
  if (min !== undefined && min < 0) node.warn(`${node.subject} is ${min}, but no bucket below 0 is ever counted`);
  return min;
}

function parseKeys(node: ConfigNode): number[] | undefined {
  const keys: number[] = [];
  for (const item of node.list() ?? []) {
    const key = item.number();
    if (key === undefined) return undefined;
    const last = keys.at(-1) ?? -Infinity;
    if (key <= last && node.readsAsExporter) item.warn(`${node.subject}: ${key} comes behind ${last}; they are sorted`);
    else if (key <= last) {
      item.error(`${node.subject} must ascend, but ${key} comes behind ${last}`);
      return undefined;
    }
    keys.push(key);
  }
  if (keys.length > 0) return keys;
  if (node.isNull || node.isList) node.error(`${node.subject} has no keys`);
  return undefined;
}

/** A duration in milliseconds. */
function parseInterval(node: ConfigNode): number | undefined {
  const text = node.text();
  const interval = text === undefined ? undefined : goDuration(text);
  if (interval !== undefined && interval >= 0) return interval;
  if (text !== undefined)
    node.error(`${node.subject} must be a duration such as 10s or 1h30m, not ${JSON.stringify(text)}`);
  return undefined;
}

function parseNeeds(node: ConfigNode | undefined): NeedsEntry {
  const needs = node?.map(['constants', 'programs', 'any', 'maps']);
  const names = (list: ConfigNode | undefined) => (list?.list() ?? []).flatMap((item) => locatedText(item) ?? []);
  const programs = needs?.get('programs');
  const any = needs?.get('any');
  if (any !== undefined && (any.isNull || any.list()?.length === 0)) any.error('"any" names nothing');
  return {
    constants: names(needs?.get('constants')),
    programs: programs === undefined || programs.isNull ? undefined : names(programs),
    any: any?.isNull ? [] : names(any),
    maps: names(needs?.get('maps')),
  };
}
