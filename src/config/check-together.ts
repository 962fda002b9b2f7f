import { isDeepStrictEqual } from 'node:util';
import type { Diagnostics, Position } from './diagnostic.ts';
import { areEqual, joinable } from './equal-tables.ts';
import type { TranslationStrategy } from './exporter.ts';
import type { MetricPlan, TablePlan } from './plan.ts';
import { prometheusLabelName, prometheusMetricName } from './prometheus-name.ts';
import type { ResolvedProgram } from './resolve.ts';

interface Found {
  readonly program: ResolvedProgram;
  readonly table: TablePlan;
  readonly metric: MetricPlan;
  readonly at: Position;
}

/** A metric that another program's is in the way of. */
export interface Conflict {
  /** The program's name. */
  readonly program: string;
  /** Its full name. */
  readonly metric: string;
  readonly at: Position;
  readonly message: string;
}

/**
 * What only all programs together show: a metric that two of them define differently, names that are different for
 * OpenTelemetry and the same on a Prometheus page, of metrics as of one metric's labels. `strategies` are those of the readers.
 * What is wrong within one program is reported; of two programs the later one's metric is a conflict in the result.
 */
export function checkTogether(
  programs: readonly ResolvedProgram[],
  diagnostics: Diagnostics,
  strategies: readonly TranslationStrategy[] = ['underscore_escaping_with_suffixes'],
): readonly Conflict[] {
  const all = programs.flatMap((program) =>
    program.tables.flatMap((table) =>
      table.metrics.map((metric) => ({ program, table, metric, at: program.origins.get(metric.name)!.name })),
    ),
  );
  const conflicts: Conflict[] = [];
  const report = (found: Found, other: Found, message: string) => {
    const { program, metric, at } = found;
    if (program === other.program) diagnostics.error(at, message);
    else conflicts.push({ program: program.name, metric: metric.name, at, message });
  };
  const byName = new Map<string, Found>();
  const distinct = all.filter((found) => {
    const first = byName.get(found.metric.name);
    if (first === undefined) byName.set(found.metric.name, found);
    else if (!isEqual(first, found)) {
      report(found, first, `metric "${found.metric.name}" is there already, ${difference(first, found)}`);
    }
    return first === undefined;
  });
  for (const strategy of new Set(strategies)) checkPageNames(distinct, strategy, report);
  for (const found of distinct) checkLabels(found, diagnostics);
  return conflicts;
}

/** Whether the two are one metric that is counted in two maps. */
function isEqual(first: Found, second: Found): boolean {
  const [one, other] = [joinable(first.table), joinable(second.table)];
  return one !== undefined && other !== undefined && first.program !== second.program && areEqual(one, other);
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
  if (first.program === second.program) return where;
  if (first.metric.kind === 'gauge') return `${where}, and levels can't be added up`;
  if (first.metric.help !== second.metric.help) return `${where} with another help`;
  const decoders = [first, second].map(({ table }) => table.labels.map((label) => label.decoders));
  if (!isDeepStrictEqual(decoders[0], decoders[1])) return `${where} with other decoders`;
  return `${where} with other buckets or another layout of the map`;
}

function labelNames({ table }: Found): string {
  return table.labels.map(({ name }) => name).join(', ');
}

function checkPageNames(
  all: readonly Found[],
  strategy: TranslationStrategy,
  report: (found: Found, other: Found, message: string) => void,
): void {
  const taken = new Map<string, Found>();
  for (const found of all) {
    const { name, unit, kind } = found.metric;
    const page = prometheusMetricName(name, unit, kind, strategy);
    // A histogram's lines have names of their own.
    const lines = kind === 'histogram' ? ['', '_bucket', '_sum', '_count'].map((suffix) => page + suffix) : [page];
    const clash = lines.find((line) => taken.has(line));
    if (clash !== undefined) {
      const other = taken.get(clash)!;
      const { metric, at } = other;
      report(
        found,
        other,
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
