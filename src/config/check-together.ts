import { prometheusLabelName, prometheusMetricName } from '../metrics/prometheus-name.ts';
import type { Diagnostics, Position } from './diagnostic.ts';
import type { TranslationStrategy } from './exporter.ts';
import type { MetricPlan, TablePlan } from './plan.ts';
import type { ResolvedProgram } from './resolve.ts';

interface Found {
  readonly program: ResolvedProgram;
  readonly table: TablePlan;
  readonly metric: MetricPlan;
  readonly at: Position;
}

/**
 * What only all programs together show: a metric that two of them have, names that are different for OpenTelemetry
 * and the same on a Prometheus page, of metrics as of one metric's labels. `strategies` are those of the readers.
 */
export function checkTogether(
  programs: readonly ResolvedProgram[],
  diagnostics: Diagnostics,
  strategies: readonly TranslationStrategy[] = ['underscore_escaping_with_suffixes'],
): void {
  const all = programs.flatMap((program) =>
    program.tables.flatMap((table) =>
      table.metrics.map((metric) => ({ program, table, metric, at: program.origins.get(metric.name)!.name })),
    ),
  );
  const byName = new Map<string, Found>();
  const distinct = all.filter((found) => {
    const first = byName.get(found.metric.name);
    if (first === undefined) byName.set(found.metric.name, found);
    else diagnostics.error(found.at, `metric "${found.metric.name}" is there already, ${difference(first, found)}`);
    return first === undefined;
  });
  for (const strategy of new Set(strategies)) checkPageNames(distinct, strategy, diagnostics);
  for (const found of distinct) checkLabels(found, diagnostics);
}

function difference(first: Found, second: Found): string {
  const where = `in ${first.at.file}:${first.at.line}`;
  const kinds = [first.metric.kind, second.metric.kind];
  const units = [first.metric.unit, second.metric.unit];
  const labels = [labelNames(first), labelNames(second)];
  for (const [what, [one, other]] of [
    ['of kind', kinds],
    ['in unit', units],
    ['with labels', labels],
  ] as const) {
    if (one !== other) return `${where} ${what} "${one}" instead of "${other}"`;
  }
  return where;
}

function labelNames({ table }: Found): string {
  return table.labels.map(({ name }) => name).join(', ');
}

function checkPageNames(all: readonly Found[], strategy: TranslationStrategy, diagnostics: Diagnostics): void {
  const taken = new Map<string, Found>();
  for (const found of all) {
    const { name, unit, kind } = found.metric;
    const page = prometheusMetricName(name, unit, kind, strategy);
    // A histogram's lines have names of their own.
    const lines = kind === 'histogram' ? ['', '_bucket', '_sum', '_count'].map((suffix) => page + suffix) : [page];
    const clash = lines.find((line) => taken.has(line));
    if (clash !== undefined) {
      const { metric, at } = taken.get(clash)!;
      diagnostics.error(
        found.at,
        `metrics "${name}" and "${metric.name}" (${at.file}:${at.line}) are both "${clash}" on a Prometheus page`,
      );
    }
    for (const line of lines) if (!taken.has(line)) taken.set(line, found);
  }
}

function checkLabels({ program, table, metric, at }: Found, diagnostics: Diagnostics): void {
  const origins = program.origins.get(metric.name)!.labels;
  const taken = new Map<string, string>();
  if (metric.kind === 'histogram') taken.set('le', 'le');
  for (const { name } of table.labels) {
    const page = prometheusLabelName(name);
    const other = taken.get(page);
    const place = origins.get(name) ?? at;
    if (page === 'le' && other === 'le') {
      diagnostics.error(place, `label "${name}" of histogram "${metric.name}": "le" is the bucket's bound`);
    } else if (other === name) {
      diagnostics.error(place, `metric "${metric.name}" has label "${name}" twice`);
    } else if (other !== undefined) {
      diagnostics.error(
        place,
        `labels "${other}" and "${name}" of metric "${metric.name}" are both "${page}" on a Prometheus page`,
      );
    }
    taken.set(page, name);
  }
}
