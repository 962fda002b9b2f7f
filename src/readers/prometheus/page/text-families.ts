import type { HistogramMetricPlan, NumberMetricPlan } from '../../../config/plan.ts';
import { scaled } from '../../../config/program/units.ts';
import type { Table } from '../../../metrics/table.ts';
import { copyBytes } from '../../wire/copy-bytes.ts';
import { constantLabels, type FamilyKind, type FamilyPart, type Naming } from './family.ts';
import { NUMBER_BYTES, writeNumber } from './number-text.ts';
import { type LabelSyntax, RowLabels, textOpening } from './row-labels.ts';
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
  const labels = new RowLabels(table, naming, textLabels);
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
  const labels = new RowLabels(table, naming, textLabels);
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

/** Labels as both text formats have them: `a="x","b.c"="y"`. */
const textLabels: LabelSyntax = {
  extra: 0,
  opening: (name, index) => textOpening(nameText(name), index),
  label: (out, start, opening, reader) => reader.copyText(out, copyBytes(out, start, opening, 0, opening.length)),
};

const LINE_FEED = 10;

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
