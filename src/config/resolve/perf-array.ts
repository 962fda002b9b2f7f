import type { PerfArrayPlan } from '../plan.ts';
import type { ProgramFile } from '../program/file.ts';
import type { LabelEntry } from '../program/labels.ts';
import type { MetricEntry } from '../program/metric.ts';
import { u64 } from '../without-c/layout-types.ts';
import type { Diagnostics } from '../yaml/diagnostic.ts';
import type { ResolveContext } from './context.ts';
import { resolveKeyLabels } from './labels.ts';
import { findMap } from './object-parts.ts';
import type { ResolvedSource } from './source.ts';

/** Sets of labels that one counter remembers; what further ones count is lost, and counted as that. */
const limit = 16_384;

/** A counter with `perf_event_array`: each record in the map's buffers is the labels' bytes, and counts one. */
export function resolvePerfArray(
  { map, name, labels, field, in: from }: MetricEntry,
  { layout, diagnostics }: ResolveContext,
): ResolvedSource | undefined {
  const before = diagnostics.errorCount;
  const reference = map ?? name;
  const arrays = layout.maps.filter(({ type }) => type === 'perf_event_array');
  const found = findMap(reference, layout, diagnostics, arrays);
  if (found !== undefined && !arrays.includes(found)) {
    const message = `map "${found.name}" is of type ${found.type}, but "perf_event_array" says otherwise`;
    diagnostics.error(reference.at, message);
  }
  const wrong = field ?? from;
  if (wrong !== undefined)
    diagnostics.error(wrong.at, 'each record of a perf event array counts one: it has no fields');
  const size = bytesOf(labels);
  const key = { map: reference.value, size, type: undefined, perCpu: false, at: reference.at };
  const resolved = labels.length === 0 ? { labels: [] } : resolveKeyLabels(key, labels, diagnostics);
  if (resolved === undefined || diagnostics.errorCount !== before) return undefined;
  return {
    source: { kind: 'entries', map: reference.value, perCpu: 'no', cache: undefined },
    keySize: keyBytes(size),
    labels: resolved.labels,
    element: {
      offset: 0,
      size: u64.size,
      type: u64,
      name: `the records of "${reference.value}"`,
    },
    perCpuFirst: [],
  };
}

/** What is read of the buffers: the maps of these metrics, each once. */
export function perfArraysOf(
  file: ProgramFile,
  enabled: readonly MetricEntry[],
  diagnostics: Diagnostics,
): readonly PerfArrayPlan[] {
  const plans = new Map<string, PerfArrayPlan>();
  for (const { map, name, labels, perfEventArray, flushInterval } of file.metrics.filter((one) =>
    enabled.includes(one),
  )) {
    if (!perfEventArray) continue;
    const reference = map ?? name;
    if (plans.has(reference.value)) {
      diagnostics.error(reference.at, `the records of "${reference.value}" are counted by another counter already`);
    }
    const recordBytes = bytesOf(labels);
    const flushMs = flushInterval?.value || undefined;
    const plan = { map: reference.value, recordBytes, keySize: keyBytes(recordBytes), limit };
    plans.set(reference.value, { ...plan, ...(flushMs !== undefined && { flushMs }) });
  }
  return [...plans.values()];
}

/** What the labels cover of a record. */
function bytesOf(labels: readonly LabelEntry[]): number {
  return labels.reduce((sum, { size, padding }) => sum + (size?.value ?? 0) + (padding?.value ?? 0), 0);
}

/** Without labels there is one key, four zero bytes. */
function keyBytes(recordBytes: number): number {
  return recordBytes === 0 ? 4 : recordBytes;
}
