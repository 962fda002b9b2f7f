import type { TranslationStrategy } from '../../config/exporter.ts';
import type { HistogramMetricPlan, MetricPlan, NumberMetricPlan, Scale } from '../../config/plan.ts';
import { prometheusMetricName } from '../../metrics/prometheus-name.ts';
import type { Table } from '../../metrics/table.ts';
import { NUMBER_BYTES, writeNumber } from './number-text.ts';
import type { PageBuffer } from './page-buffer.ts';

/** One metric name of a page with all that is written under it. */
export interface Family {
  readonly name: string;
  readonly header: string;
  readonly parts: FamilyPart[];
}

interface FamilyPart {
  readonly table: Table;
  write(page: PageBuffer): void;
}

/**
 * Everything about the page that does not change from scrape to scrape, as bytes.
 * `scope` is the text of the scope's labels, '' where none are wanted.
 */
export function makeFamilies(tables: readonly Table[], translation: TranslationStrategy, scope: string): Family[] {
  const families = new Map<string, Family>();
  for (const table of tables) {
    for (const metric of table.plan.metrics) {
      const name = prometheusMetricName(metric.name, metric.unit, metric.kind, translation);
      let family = families.get(name);
      if (family === undefined) {
        family = { name, header: header(name, metric), parts: [] };
        families.set(name, family);
      }
      const part =
        metric.kind === 'histogram'
          ? histogramPart(table, metric, name, scope)
          : numberPart(table, metric, name, scope);
      family.parts.push(part);
    }
  }
  return [...families.values()];
}

/** Appends one family; nothing, not even its TYPE, where it has no series. */
export function writeFamily(family: Family, page: PageBuffer): void {
  const parts = family.parts.filter(({ table }) => table.readable && table.used > 0);
  if (parts.length === 0) return;
  page.text(family.header);
  for (const part of parts) part.write(page);
}

function header(name: string, metric: MetricPlan): string {
  const help = metric.help.replace(/[\\\n]/g, (c) => (c === '\n' ? '\\n' : '\\\\'));
  return `# HELP ${name} ${help}\n# TYPE ${name} ${metric.kind}\n`;
}

function numberPart(table: Table, metric: NumberMetricPlan, name: string, scope: string): FamilyPart {
  const line = lineParts(table, name, scope);
  return {
    table,
    write(page) {
      const { series, plan } = table;
      const { multiplier, divisor } = metric.scale;
      const fixed = line.open.length + line.close.length + NUMBER_BYTES;
      for (let row = 0; row < series.length; row++) {
        if (series.references[row] === 0) continue;
        const length = series.lengths[row]!;
        page.reserve(fixed + length);
        const out = page.bytes;
        let at = copy(out, page.length, line.open, 0, line.open.length);
        at = copy(out, at, series.bytes, series.starts[row]!, length);
        at = copy(out, at, line.close, 0, line.close.length);
        at = writeNumber(out, at, (table.cells[row * plan.width + metric.cell]! * multiplier) / divisor);
        out[at++] = LINE_FEED;
        page.length = at;
      }
    },
  };
}

function histogramPart(table: Table, metric: HistogramMetricPlan, name: string, scope: string): FamilyPart {
  const labelled = table.plan.labels.length > 0;
  const bucketOpen = Buffer.from(`${name}_bucket{`);
  const beforeLe = `${labelled ? ',' : ''}${scope === '' ? '' : `${scope},`}`;
  const bucketCloses = [...metric.le, '+Inf'].map((le) => Buffer.from(`${beforeLe}le="${le}"} `));
  const longestClose = Math.max(...bucketCloses.map((close) => close.length));
  const sumLine = lineParts(table, `${name}_sum`, scope);
  const countLine = lineParts(table, `${name}_count`, scope);
  const bucketFixed = bucketOpen.length + longestClose + NUMBER_BYTES;
  const bounds = metric.bounds.length;

  return {
    table,
    write(page) {
      const { series, plan, cells } = table;
      for (let row = 0; row < series.length; row++) {
        if (series.references[row] === 0) continue;
        const length = series.lengths[row]!;
        const start = series.starts[row]!;
        page.reserve((bounds + 3) * (bucketFixed + length));
        const out = page.bytes;
        let at = page.length;
        const first = row * plan.width + metric.cell;
        let count = 0;
        for (let bucket = 0; bucket <= bounds; bucket++) {
          if (bucket < metric.slots) count += cells[first + bucket]!;
          at = copy(out, at, bucketOpen, 0, bucketOpen.length);
          at = copy(out, at, series.bytes, start, length);
          const close = bucketCloses[bucket]!;
          at = copy(out, at, close, 0, close.length);
          at = writeNumber(out, at, count);
          out[at++] = LINE_FEED;
        }
        if (metric.sum !== undefined) {
          const sum = scaled(cells[row * plan.width + metric.sum.cell]!, metric.sum.scale);
          at = writeLine(out, at, sumLine, series.bytes, start, length, sum);
        }
        at = writeLine(out, at, countLine, series.bytes, start, length, count);
        page.length = at;
      }
    },
  };
}

interface LineParts {
  /** What comes before the labels, and what comes between them and the number. */
  readonly open: Buffer;
  readonly close: Buffer;
}

function lineParts(table: Table, name: string, scope: string): LineParts {
  if (table.plan.labels.length > 0) {
    return { open: Buffer.from(`${name}{`), close: Buffer.from(scope === '' ? '} ' : `,${scope}} `) };
  }
  return { open: Buffer.from(name), close: Buffer.from(scope === '' ? ' ' : `{${scope}} `) };
}

function writeLine(
  out: Uint8Array,
  start: number,
  line: LineParts,
  labels: Uint8Array,
  labelsStart: number,
  labelsLength: number,
  value: number,
): number {
  let at = copy(out, start, line.open, 0, line.open.length);
  at = copy(out, at, labels, labelsStart, labelsLength);
  at = copy(out, at, line.close, 0, line.close.length);
  at = writeNumber(out, at, value);
  out[at++] = LINE_FEED;
  return at;
}

const LINE_FEED = 10;

function scaled(value: number, scale: Scale): number {
  return (value * scale.multiplier) / scale.divisor;
}

/** A loop, since for texts of this length a call of TypedArray.set costs more than the bytes. */
function copy(out: Uint8Array, at: number, from: Uint8Array, start: number, length: number): number {
  for (let i = 0; i < length; i++) out[at + i] = from[start + i]!;
  return at + length;
}
