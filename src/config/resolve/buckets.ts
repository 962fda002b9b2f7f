import type { BucketKeyPlan, LabelPlan, Scale } from '../plan.ts';
import type { BucketType, MetricEntry } from '../program/metric.ts';
import { scaled } from '../program/units.ts';
import type { Diagnostics, Position } from '../yaml/diagnostic.ts';
import type { Located } from '../yaml/located.ts';

/** A histogram's bounds in its unit. */
interface Bounds {
  /** Finite, inclusive, ascending. */
  readonly bounds: readonly number[];
  /** Slots that are read. */
  readonly slots: number;
  readonly powersOfTwo: boolean;
}

/** More would be a mistake in the file, and a page that nobody can read. */
const mostBuckets = 10_000;

/**
 * Bounds of a histogram that is an array of `length` slots, in what the program counts in, then scaled.
 * exp2: slot 0 counts 0 and 1, slot i (2^(i-1), 2^i]; the last slot is what is above all bounds.
 */
export function slotBounds(
  metric: MetricEntry,
  length: number,
  scale: Scale,
  at: Position,
  diagnostics: Diagnostics,
): Bounds | undefined {
  const { type: written, min, max, multiplier, keys } = metric.buckets;
  const type = written?.value ?? 'exp2';
  const before = diagnostics.errorCount;
  refuse(max, 'bucket_max', 'the number of slots tells where the buckets end', diagnostics);
  if (type !== 'linear') {
    refuse(min, 'bucket_min', 'it goes with bucket_type linear', diagnostics);
    refuse(multiplier, 'bucket_multiplier', 'give "in" and "unit"', diagnostics);
  }
  if (type !== 'fixed') refuse(keys, 'bucket_keys', 'they go with bucket_type fixed', diagnostics);
  if (type === 'exp2zero') {
    diagnostics.error(written!.at, 'bucket_type exp2zero is for buckets in the key, not for slots');
  }
  if (type === 'exp2' && length > 64) {
    diagnostics.error(at, `${length} slots of bucket_type exp2: a number has 64 bits, so at most 64`);
  }
  if (type !== 'fixed' && length < 2) diagnostics.error(at, `a histogram has at least 2 slots, not ${length}`);
  if (length > mostBuckets) diagnostics.error(at, `${length} slots are too many: at most ${mostBuckets}`);
  if (diagnostics.errorCount !== before) return undefined;

  if (type !== 'fixed') {
    const step = multiplier?.value || 1;
    const raw = (slot: number) => (type === 'exp2' ? 2 ** slot : ((min?.value ?? 0) + slot) * step);
    const bounds = Array.from({ length: length - 1 }, (_, slot) => scaled(raw(slot), scale));
    return { bounds, slots: length, powersOfTwo: type === 'exp2' };
  }
  if (keys === undefined) {
    diagnostics.error(written!.at, 'bucket_type fixed needs "bucket_keys"');
    return undefined;
  }
  if (keys.value.some((key, index) => index > 0 && key <= keys.value[index - 1]!)) {
    diagnostics.error(keys.at, '"bucket_keys" must ascend where the buckets are slots');
    return undefined;
  }
  const bounds = keys.value.map((key) => scaled(key, scale));
  if (length !== bounds.length && length !== bounds.length + 1) {
    diagnostics.error(
      keys.at,
      `${bounds.length} bucket_keys for ${length} slots: there are as many slots, or one more for what is above`,
    );
    return undefined;
  }
  return { bounds, slots: length, powersOfTwo: false };
}

/** A histogram whose bucket is the last label of the key, as ebpf_exporter has them. */
interface KeyBuckets extends Bounds {
  readonly bucketKey: BucketKeyPlan;
  readonly sumScale: Scale;
}

/**
 * Bounds and columns of a histogram by keys. The arithmetic is ebpf_exporter's (exporter/histogram.go), in the same
 * order on doubles, so that `le` has the same text.
 */
export function keyBuckets(metric: MetricEntry, label: LabelPlan, diagnostics: Diagnostics): KeyBuckets | undefined {
  const { type: written, multiplier } = metric.buckets;
  const type = written?.value ?? 'exp2';
  const buckets = type === 'fixed' ? fixedKeys(metric, diagnostics) : countedKeys(metric, type, diagnostics);
  for (const [name, value] of [
    ['in', metric.in],
    ['sum_in', metric.sumIn],
  ] as const) {
    refuse(
      value,
      name,
      'where the bucket is in the key, "bucket_multiplier" turns its bounds into the unit',
      diagnostics,
    );
  }
  if (buckets === undefined) return undefined;
  const factor = multiplier?.value || 1;
  const bounds = buckets.map((bucket) => rawBound(type, bucket) * factor);
  const columns = new Map(buckets.map((bucket, column) => [bucket, column]));
  // Of keys that ascend, the one behind the greatest.
  const sum = (type === 'fixed' ? metric.buckets.keys!.value.at(-1)! : buckets.at(-1)!) + 1;
  if (!columns.has(sum)) columns.set(sum, buckets.length);
  return {
    bounds,
    slots: bounds.length,
    powersOfTwo: type === 'exp2',
    bucketKey: { label, columns },
    sumScale: { multiplier: factor, divisor: 1 },
  };
}

function rawBound(type: BucketType, bucket: number): number {
  switch (type) {
    case 'exp2':
      return 2 ** bucket;
    case 'exp2zero':
      return bucket === 0 ? 0 : 2 ** (bucket - 1);
    case 'linear':
    case 'fixed':
      return bucket;
  }
}

function countedKeys(metric: MetricEntry, type: BucketType, diagnostics: Diagnostics): number[] | undefined {
  const { min, max, keys } = metric.buckets;
  // As in fixedKeys.
  if (keys !== undefined) diagnostics.warn(keys.at, `"bucket_keys" mean nothing with bucket_type ${type}`);
  if (max === undefined) {
    diagnostics.error(
      metric.name.at,
      `histogram "${metric.name.value}" has its buckets in the key and needs "bucket_max"`,
    );
    return undefined;
  }
  const first = min?.value ?? 0;
  const most = type === 'linear' ? first + mostBuckets - 1 : Math.min(64, first + mostBuckets - 1);
  if (type === 'exp2zero' && first < 0) {
    diagnostics.error(min!.at, `bucket_min is ${first}; with bucket_type exp2zero it is at least 0`);
    return undefined;
  }
  if (max.value < first) {
    diagnostics.error(max.at, `bucket_max is ${max.value}, which is below bucket_min ${first}`);
    return undefined;
  }
  if (max.value > most) {
    diagnostics.error(max.at, `bucket_max is ${max.value}; with bucket_type ${type} it is at most ${most}`);
    return undefined;
  }
  return Array.from({ length: max.value - first + 1 }, (_, index) => first + index);
}

function fixedKeys(metric: MetricEntry, diagnostics: Diagnostics): readonly number[] | undefined {
  const { type, min, max, keys } = metric.buckets;
  for (const [name, value] of [
    ['bucket_min', min],
    ['bucket_max', max],
  ] as const) {
    // ebpf_exporter takes no notice of them here.
    if (value !== undefined) diagnostics.warn(value.at, `"${name}" means nothing with bucket_type fixed`);
  }
  if (keys === undefined) {
    diagnostics.error(type!.at, 'bucket_type fixed needs "bucket_keys"');
    return undefined;
  }
  const odd = keys.value.find((key) => !Number.isSafeInteger(key) || key < 0);
  if (odd !== undefined && !diagnostics.readsAsExporter) {
    diagnostics.error(keys.at, `bucket_keys are unsigned integers where the bucket is in the key, not ${odd}`);
    return undefined;
  }
  if (odd !== undefined) diagnostics.warn(keys.at, `no key is ever ${odd}, which is no unsigned integer`);
  return [...new Set(keys.value)].sort((a, b) => a - b);
}

function refuse(value: Located<unknown> | undefined, name: string, why: string, diagnostics: Diagnostics): void {
  if (value !== undefined) diagnostics.error(value.at, `"${name}" is not for this histogram: ${why}`);
}
