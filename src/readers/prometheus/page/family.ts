import type { TranslationStrategy } from '../../../config/exporter/configuration.ts';
import { type Escaping, escapeName } from '../../../config/names/escaping.ts';
import { keepsUtf8, prometheusLabelName, prometheusMetricName } from '../../../config/names/prometheus.ts';
import { isPrometheusLabel } from '../../../config/names/reserved.ts';
import type { MetricPlan } from '../../../config/plan.ts';
import { Stretch } from '../../../metrics/stretch.ts';
import type { Table } from '../../../metrics/table.ts';
import type { PageBuffer } from './page-buffer.ts';

/** A label's name and value, as OpenTelemetry has them. */
export type Label = readonly [name: string, value: string];

/** How the names of a page are made. */
export interface Naming {
  readonly translation: TranslationStrategy;
  readonly escaping: Escaping;
  /** Labels that every line has. */
  readonly constant: readonly Label[];
}

/** One metric name of a page with all that is written under it. */
export interface Family {
  readonly name: string;
  readonly parts: FamilyPart[];
  begin(page: PageBuffer): void;
  end(page: PageBuffer): void;
}

/** The series of one table. */
export interface FamilyPart {
  readonly table: Table;
  /** Appends the rows from `first` up to `end`, which isn't among them. */
  write(page: PageBuffer, first: number, end: number): void;
}

/** How one syntax writes families. */
export interface FamilyKind {
  family(name: string, metric: MetricPlan): Pick<Family, 'begin' | 'end'>;
  part(table: Table, metric: MetricPlan, name: string, naming: Naming): FamilyPart;
}

/** Everything about the page that does not change from scrape to scrape, as bytes; metrics of one name are one family. */
export function makeFamilies(tables: readonly Table[], naming: Naming, kind: FamilyKind): Family[] {
  const families = new Map<string, Family>();
  for (const table of tables) {
    for (const metric of table.plan.metrics) {
      const name = metricName(metric.name, metric.unit, metric.kind, naming);
      let family = families.get(name);
      if (family === undefined) {
        family = { name, parts: [], ...kind.family(name, metric) };
        families.set(name, family);
      }
      family.parts.push(kind.part(table, metric, name, naming));
    }
  }
  return [...families.values()];
}

export function metricName(name: string, unit: string, kind: MetricPlan['kind'], naming: Naming): string {
  return prometheusMetricName(name, unit, kind, naming.translation, naming.escaping);
}

/** Where the strategy translates names, scrapers that take UTF-8 get the same ones. */
export function labelName(name: string, naming: Naming): string {
  const legacy = !keepsUtf8(naming) || naming.escaping === 'underscores';
  return legacy ? escapeName(prometheusLabelName(name), naming.escaping) : escapeName(name, naming.escaping);
}

/**
 * Labels by their names on the page. Values of names that are one there are joined by semicolons in the order of the
 * original names (opentelemetry-specification/compatibility/prometheus_and_openmetrics.md, "Metric Attributes"). Those
 * that are Prometheus's own, which would make it refuse the page, are left out.
 */
export function namedLabels(labels: readonly Label[], naming: Naming): readonly Label[] {
  const named = new Map<string, Label[]>();
  for (const label of labels) {
    if (isPrometheusLabel(label[0])) continue;
    const written = labelName(label[0], naming);
    const before = named.get(written);
    if (before === undefined) named.set(written, [label]);
    else before.push(label);
  }
  return [...named].map(([written, [first, ...others]]) => {
    if (others.length === 0) return [written, first![1]];
    const sorted = [first!, ...others].toSorted(([one], [other]) => (one < other ? -1 : 1));
    return [written, sorted.map(([, value]) => value).join(';')];
  });
}

/** The labels that all rows of a table have, by their names on the page; where a row has one of that name, it wins. */
export function constantLabels(table: Table, naming: Naming): readonly Label[] {
  const own = new Set(table.plan.labels.map(({ name }) => labelName(name, naming)));
  return namedLabels(naming.constant, naming).filter(([name]) => !own.has(name));
}

/** Rows that are written before the clock is looked at. */
const ROWS = 1024;

/**
 * Appends all families; nothing, not even its TYPE, of one that has no series. Begins at once, and ends at once where the
 * page is small; the caller sees to it that nobody reads the maps in the meantime.
 */
export async function writeFamilies(families: readonly Family[], page: PageBuffer): Promise<void> {
  const stretch = new Stretch();
  for (const family of families) {
    const parts = family.parts.filter(({ table }) => table.readable && table.used > 0);
    if (parts.length === 0) continue;
    family.begin(page);
    for (const part of parts) {
      const { length } = part.table.series;
      for (let first = 0; first < length; first += ROWS) {
        part.write(page, first, Math.min(first + ROWS, length));
        if (!stretch.isOver()) continue;
        await new Promise((resolve) => setImmediate(resolve));
        stretch.begin();
      }
    }
    family.end(page);
  }
}
