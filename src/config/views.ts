import type { ViewConfig, ViewSelector } from './exporter/configuration.ts';
import { type Instrument, metricInstruments } from './instrument-types.ts';
import type { Scope } from './names/scope.ts';
import { chosenBy, wildcard } from './names/wildcard.ts';
import type { HistogramMetricPlan, LabelPlan, MetricPlan, TablePlan } from './plan.ts';
import { rebucket } from './rebucket.ts';
import type { ResolvedProgram } from './resolve/program.ts';
import type { Diagnostics } from './yaml/diagnostic.ts';

/** The metrics, by their full names, that views drop and none keeps. */
function droppedMetrics(
  { tables }: Pick<ResolvedProgram, 'tables'>,
  views: readonly ViewConfig[],
  scope: Scope,
): ReadonlySet<string> {
  const metrics = tables.flatMap((table) => table.metrics);
  const dropped = metrics.filter((metric) => {
    const matching = views.filter(({ selector }) => matches(selector, metric, scope));
    return matching.length > 0 && matching.every(({ aggregation }) => aggregation?.kind === 'drop');
  });
  return new Set(dropped.map(({ name }) => name));
}

/**
 * Resolves a program without the metrics that views drop, whose code then isn't loaded, and applies the views to the
 * others. `resolve` is given the names, without the namespace, of the metrics that are wanted; undefined: those that the
 * operator wants. `matched` is told of each view that matches one of these. Undefined where that fails, and where nothing
 * is left.
 */
export function resolveWithViews(
  resolve: (metrics: readonly string[] | undefined) => ResolvedProgram | undefined,
  views: readonly ViewConfig[],
  namespace: string,
  scope: Scope,
  diagnostics: Diagnostics,
  matched: (view: ViewConfig) => void = () => {},
): ResolvedProgram | undefined {
  const whole = resolve(undefined);
  if (whole === undefined || views.length === 0) return whole;
  const metrics = whole.tables.flatMap((table) => table.metrics);
  for (const view of views) if (metrics.some((metric) => matches(view.selector, metric, scope))) matched(view);
  const dropped = droppedMetrics(whole, views, scope);
  const kept = whole.tables.flatMap(({ metrics }) => metrics.flatMap(({ name }) => (dropped.has(name) ? [] : [name])));
  if (kept.length === 0) return undefined;
  const prefix = namespace === '' ? 0 : namespace.length + 1;
  const program = dropped.size === 0 ? whole : resolve(kept.map((name) => name.slice(prefix)));
  return program && applyViews(program, views, scope, diagnostics);
}

/**
 * The program's plan with every metric as the streams that the views make of it: under other names, without labels, whose
 * series are then summed, with fewer buckets. All of it is done by what is read into which cell, so that it costs nothing
 * at run time. What can't be had exactly is an error at the view's place.
 * Source: the OpenTelemetry specification, metrics/sdk.md, "View".
 */
export function applyViews(
  program: ResolvedProgram,
  views: readonly ViewConfig[],
  scope: Scope,
  diagnostics: Diagnostics,
): ResolvedProgram {
  if (views.length === 0) return program;
  const names = new Map<string, string[]>();
  const tables = program.tables.flatMap((table) => {
    const streams = table.metrics.flatMap((metric) => {
      const made = streamsOf(table, metric, views, scope, diagnostics);
      names.set(metric.name, [...(names.get(metric.name) ?? []), ...made.map((stream) => stream.metric.name)]);
      return made;
    });
    return groupedStreams(table, streams);
  });
  const renamed = <Value>(map: ReadonlyMap<string, Value>): Map<string, Value> =>
    new Map([...map].flatMap(([name, value]) => (names.get(name) ?? []).map((stream) => [stream, value] as const)));
  return {
    ...program,
    tables,
    needs: renamed(program.needs),
    origins: renamed(program.origins),
    sources: program.sources.map((source) => ({
      ...source,
      metrics: source.metrics.flatMap((metric) => (names.get(metric.name) ?? []).map((name) => ({ ...metric, name }))),
    })),
  };
}

/** One metric as one view wants it, and what of its table that changes. */
interface Stream {
  readonly metric: MetricPlan;
  readonly labels: readonly LabelPlan[];
  readonly limit: number | undefined;
  /** Set where its numbers are in other columns than the table's. */
  readonly layout: Pick<TablePlan, 'fields' | 'bucketKey'> | undefined;
}

function streamsOf(
  table: TablePlan,
  metric: MetricPlan,
  views: readonly ViewConfig[],
  scope: Scope,
  diagnostics: Diagnostics,
): Stream[] {
  const matching = views.filter(({ selector }) => matches(selector, metric, scope));
  if (matching.length === 0) return [{ metric, labels: table.labels, limit: table.limit, layout: undefined }];
  return matching.flatMap((view): Stream[] => {
    if (view.aggregation?.kind === 'drop') return [];
    const isWanted = chosenBy(view.attributeKeys ?? {});
    const labels = table.labels.filter(({ name }) => isWanted(name));
    const limit = view.cardinalityLimit ?? table.limit;
    const changed = { ...metric, name: view.name ?? metric.name, help: view.description ?? metric.help };
    const { metric: aggregated, layout } = aggregate(table, changed, view, diagnostics);
    return [{ metric: aggregated, labels, limit, layout }];
  });
}

function matches(selector: ViewSelector, { name, kind, unit }: MetricPlan, scope: Scope): boolean {
  return selects(selector, { name, type: metricInstruments[kind], unit }, scope);
}

/**
 * Whether a view's selector matches an instrument of this scope, which has no schema URL.
 * Source: the OpenTelemetry specification, metrics/sdk.md, "Instrument selection criteria".
 */
export function selects(selector: ViewSelector, instrument: Instrument, scope: Scope): boolean {
  const { instrumentName, instrumentType, unit, meterName, meterVersion, meterSchemaUrl } = selector;
  return (
    (instrumentName === undefined || wildcard(instrumentName)(instrument.name)) &&
    (instrumentType === undefined || instrumentType === instrument.type) &&
    (unit === undefined || unit === instrument.unit) &&
    (meterName === undefined || meterName === scope.name) &&
    (meterVersion === undefined || meterVersion === scope.version) &&
    (meterSchemaUrl === undefined || meterSchemaUrl === '')
  );
}

function aggregate(
  table: TablePlan,
  metric: MetricPlan,
  { aggregation, at }: ViewConfig,
  diagnostics: Diagnostics,
): Pick<Stream, 'metric' | 'layout'> {
  const asItIs = { metric, layout: undefined };
  const subject = `metric "${metric.name}"`;
  if (aggregation === undefined || aggregation.kind === 'default') return asItIs;
  if (metric.kind !== 'histogram') {
    const own = metric.kind === 'counter' ? 'sum' : 'last_value';
    if (aggregation.kind !== own) {
      diagnostics.error(
        at,
        `${subject} is a ${metric.kind} and can't become a ${aggregation.kind}, only ${own} or drop`,
      );
    }
    return asItIs;
  }
  switch (aggregation.kind) {
    case 'explicit_bucket_histogram': {
      const made = rebucket(table, metric, aggregation.boundaries);
      if ('foreign' in made) {
        const own = metric.bounds.join(', ');
        diagnostics.error(
          at,
          `${subject}: ${made.foreign} is none of its bounds, of which any may be left out: ${own}`,
        );
        return asItIs;
      }
      const explicit = { ...made.metric, aggregation: 'explicit' as const };
      const isSame = explicit.bounds.length === metric.bounds.length;
      return { metric: explicit, layout: isSame ? undefined : { fields: made.fields, bucketKey: made.bucketKey } };
    }
    case 'base2_exponential_bucket_histogram': {
      const { maxScale, maxSize } = aggregation;
      const cause = exponentialCause(metric, maxScale, maxSize);
      if (cause !== undefined) diagnostics.error(at, `${subject} can't become an exponential histogram: ${cause}`);
      return { metric: { ...metric, aggregation: 'exponential' }, layout: undefined };
    }
    default:
      diagnostics.error(at, `${subject} is a histogram and can't become a ${aggregation.kind}`);
      return asItIs;
  }
}

/** Why its slots are not the buckets of an exponential histogram of scale 0; undefined where they are. */
function exponentialCause({ bounds, unit, slots }: HistogramMetricPlan, maxScale: number, maxSize: number) {
  const first = Math.log2(bounds[0] ?? 0);
  if (!bounds.every((bound, i) => bound === 2 ** (first + i)) || !Number.isInteger(first)) {
    return `its bounds are no powers of two in "${unit}"`;
  }
  if (maxScale < 0) return `its scale is 0, above "max_scale" ${maxScale}`;
  return slots - 1 > maxSize ? `it has ${slots - 1} buckets, more than "max_size" ${maxSize}` : undefined;
}

/** Streams with the same labels, limit and columns stay one table. */
function groupedStreams(table: TablePlan, streams: readonly Stream[]): TablePlan[] {
  const groups = new Map<string, Stream[]>();
  for (const [i, stream] of streams.entries()) {
    const { labels, limit, layout } = stream;
    const key = JSON.stringify([labels.map(({ name }) => name), limit, layout && i]);
    groups.set(key, [...(groups.get(key) ?? []), stream]);
  }
  return [...groups.values()].map((group): TablePlan => {
    const { labels, limit, layout } = group[0]!;
    const hidden = [...(table.hidden ?? []), ...table.labels.filter((label) => !labels.includes(label))];
    return {
      ...table,
      ...layout,
      labels,
      metrics: group.map(({ metric }) => metric),
      ...(hidden.length > 0 && { hidden }),
      ...(limit !== undefined && { limit }),
    };
  });
}
