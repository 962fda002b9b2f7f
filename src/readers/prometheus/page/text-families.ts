import { prometheusLabelName } from '../../../config/names/prometheus.ts';
import type { HistogramMetricPlan, NumberMetricPlan } from '../../../config/plan.ts';
import { scaled } from '../../../config/program/units.ts';
import type { Table } from '../../../metrics/table.ts';
import { BACKSLASH, copyBytes, LINE_FEED, QUOTE } from './bytes.ts';
import { constantLabels, type FamilyKind, type FamilyPart, labelName, type Naming } from './family.ts';
import { NUMBER_BYTES, writeNumber } from './number-text.ts';
import {
  bucketText,
  familyHeader,
  hasCount,
  labelText,
  leText,
  lineText,
  nameText,
  type TextSyntax,
} from './text-syntax.ts';

/** Families of map-fed metrics in the Prometheus text format, or in OpenMetrics'. */
export function textFamilies(syntax: TextSyntax): FamilyKind {
  return {
    family(name, metric) {
      const header = familyHeader(syntax, name, metric);
      return { begin: (page) => page.text(header), end() {} };
    },
    part(table, metric, name, naming) {
      return metric.kind === 'histogram'
        ? histogramPart(table, metric, name, naming, syntax)
        : numberPart(table, metric, name, naming);
    },
  };
}

function numberPart(table: Table, metric: NumberMetricPlan, name: string, naming: Naming): FamilyPart {
  const labels = new RowLabels(table, naming);
  const line = lineBytes(table, name, naming);
  return {
    table,
    write(page, first, end) {
      const { series, plan } = table;
      const { multiplier, divisor } = metric.scale;
      const fixed = line.open.length + line.close.length + NUMBER_BYTES + labels.extra;
      for (let row = first; row < end; row++) {
        if (series.references[row] === 0) continue;
        page.reserve(fixed + series.lengths[row]!);
        const out = page.bytes;
        let at = copyBytes(out, page.length, line.open, 0, line.open.length);
        at = labels.write(out, at, row);
        at = copyBytes(out, at, line.close, 0, line.close.length);
        at = writeNumber(out, at, (table.cells[row * plan.width + metric.cell]! * multiplier) / divisor);
        out[at++] = LINE_FEED;
        page.length = at;
      }
    },
  };
}

function histogramPart(
  table: Table,
  metric: HistogramMetricPlan,
  name: string,
  naming: Naming,
  syntax: TextSyntax,
): FamilyPart {
  const labels = new RowLabels(table, naming);
  const bucketLine = bucketText(name, table.plan.labels.length > 0, labelText(constantLabels(table, naming)));
  const bucketOpen = Buffer.from(bucketLine.open);
  const bucketCloses = [...metric.le, '+Inf'].map((le) =>
    Buffer.from(`${bucketLine.close}le="${leText(syntax, le)}"} `),
  );
  const longestClose = Math.max(...bucketCloses.map((close) => close.length));
  const sumLine = lineBytes(table, `${name}_sum`, naming);
  const countLine = lineBytes(table, `${name}_count`, naming);
  const bucketFixed = Math.max(bucketOpen.length + longestClose, countLine.open.length + countLine.close.length);
  const bounds = metric.bounds.length;
  const withCount = hasCount(syntax, metric.sum);

  return {
    table,
    write(page, firstRow, end) {
      const { series, plan, cells } = table;
      for (let row = firstRow; row < end; row++) {
        if (series.references[row] === 0) continue;
        page.reserve((bounds + 3) * (bucketFixed + NUMBER_BYTES + labels.extra + series.lengths[row]!));
        const out = page.bytes;
        let at = page.length;
        const first = row * plan.width + metric.cell;
        let count = 0;
        for (let bucket = 0; bucket <= bounds; bucket++) {
          if (bucket < metric.slots) count += cells[first + bucket]!;
          at = copyBytes(out, at, bucketOpen, 0, bucketOpen.length);
          at = labels.write(out, at, row);
          const close = bucketCloses[bucket]!;
          at = copyBytes(out, at, close, 0, close.length);
          at = writeNumber(out, at, count);
          out[at++] = LINE_FEED;
        }
        if (metric.sum !== undefined) {
          const sum = scaled(cells[row * plan.width + metric.sum.cell]!, metric.sum.scale);
          at = writeLine(out, at, sumLine, labels, row, sum);
        }
        if (withCount) at = writeLine(out, at, countLine, labels, row, count);
        page.length = at;
      }
    },
  };
}

/** The labels of a table's rows, whose text the series keep under the names of text 0.0.4. */
class RowLabels {
  /** Bytes that a row's labels may need beside the text that is kept. */
  readonly extra: number;
  readonly #table: Table;
  /** `"system.device"="` of each label, with a comma in front but for the first; undefined: as they are kept. */
  readonly #openings: readonly Buffer[] | undefined;
  /** Bytes of what these stand for. */
  readonly #kept: readonly number[];

  constructor(table: Table, naming: Naming) {
    this.#table = table;
    const opening = (name: string, index: number) => Buffer.from(`${index === 0 ? '' : ','}${name}="`);
    const kept = table.plan.labels.map(({ name }, index) => opening(prometheusLabelName(name), index));
    const openings = table.plan.labels.map(({ name }, index) => opening(nameText(labelName(name, naming)), index));
    const isKept = openings.every((bytes, index) => bytes.equals(kept[index]!));
    this.#openings = isKept ? undefined : openings;
    this.#kept = kept.map(({ length }) => length);
    this.extra = isKept ? 0 : openings.reduce((sum, { length }) => sum + length, 0);
  }

  write(out: Uint8Array, start: number, row: number): number {
    const { bytes, starts, lengths } = this.#table.series;
    if (this.#openings === undefined) return copyBytes(out, start, bytes, starts[row]!, lengths[row]!);
    let at = start;
    let from = starts[row]!;
    for (let label = 0; label < this.#openings.length; label++) {
      const opening = this.#openings[label]!;
      at = copyBytes(out, at, opening, 0, opening.length);
      from += this.#kept[label]!;
      for (;;) {
        const byte = bytes[from++]!;
        out[at++] = byte;
        if (byte === QUOTE) break;
        if (byte === BACKSLASH) out[at++] = bytes[from++]!;
      }
    }
    return at;
  }
}

interface LineBytes {
  readonly open: Buffer;
  readonly close: Buffer;
}

function lineBytes(table: Table, name: string, naming: Naming): LineBytes {
  const { open, close } = lineText(name, table.plan.labels.length > 0, labelText(constantLabels(table, naming)));
  return { open: Buffer.from(open), close: Buffer.from(close) };
}

function writeLine(
  out: Uint8Array,
  start: number,
  line: LineBytes,
  labels: RowLabels,
  row: number,
  value: number,
): number {
  let at = copyBytes(out, start, line.open, 0, line.open.length);
  at = labels.write(out, at, row);
  at = copyBytes(out, at, line.close, 0, line.close.length);
  at = writeNumber(out, at, value);
  out[at++] = LINE_FEED;
  return at;
}
