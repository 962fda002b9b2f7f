import type { TranslationStrategy } from '../exporter/configuration.ts';
import type { Instrument } from '../instrument-types.ts';
import { clashText, type NamedMetric, PageNames, pageKind, pageNames } from '../names/page.ts';
import { prometheusLabelName } from '../names/prometheus.ts';
import { isOfTarget, labelOwner } from '../names/reserved.ts';
import type { MetricPlan, TablePlan } from '../plan.ts';
import type { Diagnostics, Position } from '../yaml/diagnostic.ts';
import type { ResolvedProgram } from './program.ts';

/** What a program's metrics stand beside. */
interface Surroundings {
  /** Those of the Prometheus readers. */
  readonly strategies: readonly TranslationStrategy[];
  /** The exporter's own instruments. */
  readonly own: readonly Instrument[];
}

interface Found extends NamedMetric {
  readonly metric: MetricPlan;
  readonly table: TablePlan;
  readonly at: Position;
}

/**
 * What is wrong with the names of one program's metrics and labels, whatever other programs there are: names that are
 * different for OpenTelemetry and the same on a Prometheus page, and names that are reserved. All of it is reported, at the
 * metric or the label.
 */
export function checkAlone(
  program: ResolvedProgram,
  { strategies, own }: Surroundings,
  diagnostics: Diagnostics,
): void {
  const all = program.tables.flatMap((table) =>
    table.metrics.map((metric): Found => {
      const { name, unit, kind } = metric;
      return { name, unit, kind, metric, table, at: program.origins.get(name)!.name };
    }),
  );
  const byName = new Map<string, Found>();
  for (const found of all) {
    const { name, at } = found;
    const first = byName.get(name);
    if (first === undefined) byName.set(name, found);
    else diagnostics.error(at, `metric "${name}" is there already, in ${first.at.file}:${first.at.line}`);
  }
  const distinct = [...byName.values()];
  for (const strategy of new Set(strategies)) checkPageNames(distinct, strategy, diagnostics);
  checkOwn(distinct, own, strategies, diagnostics);
  for (const found of distinct) checkLabels(found, program.origins.get(found.name)!.labels, diagnostics);
}

function checkPageNames(all: readonly Found[], strategy: TranslationStrategy, diagnostics: Diagnostics): void {
  const names = new PageNames<Found>(strategy);
  for (const found of all) {
    const clash = names.take(found);
    if (clash !== undefined) diagnostics.error(found.at, clashText(found, clash));
    const reserved = pageNames(found, strategy).find(isOfTarget);
    if (reserved === undefined) continue;
    diagnostics.error(
      found.at,
      `metric "${found.name}" is "${reserved}" on a Prometheus page, which every target has by itself`,
    );
  }
}

function checkOwn(
  all: readonly Found[],
  own: readonly Instrument[],
  strategies: readonly TranslationStrategy[],
  diagnostics: Diagnostics,
): void {
  const names = new Set(own.map(({ name }) => name));
  const pages = [...new Set(strategies)].map((strategy) => {
    const lines = own.flatMap(({ name, unit, type }) => {
      return pageNames({ name, unit, kind: pageKind(type) }, strategy).map((line) => [line, name] as const);
    });
    return { strategy, lines: new Map(lines) };
  });
  for (const found of all) {
    if (names.has(found.name)) {
      diagnostics.error(found.at, `metric "${found.name}" is one of ebpf-meter's own: call it otherwise`);
      continue;
    }
    for (const { strategy, lines } of pages) {
      const line = pageNames(found, strategy).find((name) => lines.has(name));
      if (line === undefined) continue;
      const other = lines.get(line)!;
      const text = `metric "${found.name}" and ebpf-meter's own "${other}" are both "${line}" on a Prometheus page: call it otherwise`;
      diagnostics.error(found.at, text);
    }
  }
}

function checkLabels(
  { table, metric, at }: Found,
  origins: ReadonlyMap<string, Position>,
  diagnostics: Diagnostics,
): void {
  const taken = new Map<string, string>();
  if (metric.kind === 'histogram') taken.set('le', 'le');
  for (const { name } of table.labels) {
    const page = prometheusLabelName(name);
    const other = taken.get(page);
    const place = origins.get(name) ?? at;
    const owner = labelOwner(name);
    if (owner !== undefined) {
      diagnostics.error(place, `label "${name}" of metric "${metric.name}": ${owner}`);
    } else if (page === 'le' && other === 'le') {
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
