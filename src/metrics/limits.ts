import type { CardinalityLimits } from '../config/exporter/configuration.ts';
import { metricInstruments } from '../config/instrument-types.ts';
import type { MetricPlan, TablePlan } from '../config/plan.ts';

/** Series of one map-fed metric where nothing is said. */
const defaultSeriesLimit = 10_000;

/** A table, or the part of one whose metrics have the same limit. */
export interface LimitedTable {
  readonly plan: TablePlan;
  readonly series: number;
}

/**
 * A table's metrics by their limits for one reader: the view's, else the reader's for the kind of instrument, else its
 * default. Mostly all have the same, and the plan stays as it is.
 */
export function limitedTables(plan: TablePlan, limits: CardinalityLimits): readonly LimitedTable[] {
  const groups = new Map<number, MetricPlan[]>();
  for (const metric of plan.metrics) {
    const limit = plan.limit ?? limits[metricInstruments[metric.kind]] ?? limits.default ?? defaultSeriesLimit;
    const group = groups.get(limit);
    if (group === undefined) groups.set(limit, [metric]);
    else group.push(metric);
  }
  if (groups.size <= 1) return [{ plan, series: [...groups.keys()][0] ?? defaultSeriesLimit }];
  return [...groups].map(([series, metrics]) => ({ plan: { ...plan, metrics }, series }));
}
