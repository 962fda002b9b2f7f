import type { ObjectLayout } from '../../btf/types.ts';
import type { MetricEntry } from '../program/metric.ts';
import type { Diagnostics } from '../yaml/diagnostic.ts';
import { findMap } from './object-parts.ts';

/** BPF maps that are named in metrics' `needs`, but by no enabled one: they are not created. Unknown names are reported. */
export function resolveSkippedMaps(
  metrics: readonly MetricEntry[],
  enabled: readonly MetricEntry[],
  layout: ObjectLayout,
  diagnostics: Diagnostics,
): ReadonlySet<string> {
  const named = metrics.flatMap(({ needs }) => needs.maps);
  for (const map of named) findMap(map, layout, diagnostics);
  const needed = new Set(enabled.flatMap(({ needs }) => needs.maps.map(({ value }) => value)));
  return new Set(named.map(({ value }) => value).filter((name) => !needed.has(name)));
}
