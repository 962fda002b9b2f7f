import type { HrTime } from '@opentelemetry/api';
import type { HistogramMetricPlan, NumberMetricPlan } from '../../../config/plan.ts';
import type { Table } from '../../../metrics/table.ts';
import { copyBytes } from '../../wire/copy-bytes.ts';
import {
  doubleField,
  doubleTag,
  endMessage,
  lengthTag,
  stringField,
  VARINT_BYTES,
  varintField,
  varintTag,
  writeDouble,
  writeVarint,
  writeZigzag,
} from '../../wire/protobuf.ts';
import { constantLabels, type FamilyKind, type FamilyPart, type Naming } from './family.ts';
import { nativeLayout } from './native-histogram.ts';
import {
  Bucket,
  BucketSpan,
  Counter,
  familyFields,
  Gauge,
  Histogram,
  LabelPair,
  labelFields,
  Metric,
  MetricFamily,
  timestampField,
} from './protobuf-message.ts';
import { type LabelSyntax, RowLabels } from './row-labels.ts';

/** Bytes that are kept free for a family's length; 4 are enough for 256 MiB. */
const FAMILY_LENGTH = 4;

/** Most bytes that a Metric has beside its labels and its value: tags, lengths, room to move. */
const METRIC_BYTES = 64;

/** Families of map-fed metrics as MetricFamily messages, each with its length in front. */
export const protobufFamilies: FamilyKind = {
  family(name, metric) {
    const fields = familyFields(name, metric);
    let start = 0;
    return {
      begin(page) {
        page.reserve(FAMILY_LENGTH + fields.length);
        start = page.length;
        page.length = copyBytes(page.bytes, start + FAMILY_LENGTH, fields, 0, fields.length);
      },
      end(page) {
        page.reserve(VARINT_BYTES);
        page.length = endMessage(page.bytes, start, FAMILY_LENGTH, page.length);
      },
    };
  },
  part(table, metric, _name, naming) {
    return metric.kind === 'histogram' ? histogramPart(table, metric, naming) : numberPart(table, metric, naming);
  },
};

function numberPart(table: Table, metric: NumberMetricPlan, naming: Naming): FamilyPart {
  const labels = new RowLabels(table, naming, pairLabels);
  const constant = labelFields(constantLabels(table, naming));
  const isCounter = metric.kind === 'counter';
  const created = new Created(Counter.createdTimestamp);
  return {
    table,
    write(page, first, end) {
      const { series, plan, cells } = table;
      const { multiplier, divisor } = metric.scale;
      for (let row = first; row < end; row++) {
        if (series.references[row] === 0) continue;
        page.reserve(METRIC_BYTES + labels.extra + constant.length + series.lengths[row]!);
        const out = page.bytes;
        const since = isCounter ? created.field(table.created(row)) : NOTHING;
        let at = page.length;
        out[at++] = lengthTag(MetricFamily.metric);
        const start = at++;
        at = labels.write(out, at, row);
        at = copyBytes(out, at, constant, 0, constant.length);
        out[at++] = lengthTag(isCounter ? Metric.counter : Metric.gauge);
        out[at++] = 9 + since.length;
        out[at++] = doubleTag(isCounter ? Counter.value : Gauge.value);
        at = writeDouble(out, at, (cells[row * plan.width + metric.cell]! * multiplier) / divisor);
        at = copyBytes(out, at, since, 0, since.length);
        page.length = endMessage(out, start, 1, at);
      }
    },
  };
}

/** Native buckets where the slots are powers of two, and the explicit ones beside them for whoever doesn't take those. */
function histogramPart(table: Table, metric: HistogramMetricPlan, naming: Naming): FamilyPart {
  const labels = new RowLabels(table, naming, pairLabels);
  const constant = labelFields(constantLabels(table, naming));
  const created = new Created(Histogram.createdTimestamp);
  const bounds = metric.bounds.map((bound) => doubleField(Bucket.upperBound, bound));
  const native = nativeLayout(metric);
  const head =
    native &&
    Buffer.concat([varintField(Histogram.schema, 0), doubleField(Histogram.zeroThreshold, native.zeroThreshold)]);
  const bytes = METRIC_BYTES * 2 + metric.slots * (VARINT_BYTES + 1) + bounds.length * (VARINT_BYTES + 12);

  return {
    table,
    write(page, firstRow, end) {
      const { series, plan, cells } = table;
      for (let row = firstRow; row < end; row++) {
        if (series.references[row] === 0) continue;
        page.reserve(bytes + labels.extra + constant.length + series.lengths[row]!);
        const out = page.bytes;
        const first = row * plan.width + metric.cell;
        let at = page.length;
        out[at++] = lengthTag(MetricFamily.metric);
        const start = at;
        at = labels.write(out, at + 2, row);
        at = copyBytes(out, at, constant, 0, constant.length);
        out[at++] = lengthTag(Metric.histogram);
        const histogram = at;
        at += 2;
        let count = 0;
        for (let bucket = 0; bucket < bounds.length; bucket++) {
          if (bucket < metric.slots) count += cells[first + bucket]!;
          at = writeBucket(out, at, count, bounds[bucket]!);
        }
        // What is above all bounds.
        if (metric.slots > bounds.length) count += cells[first + bounds.length]!;
        out[at++] = varintTag(Histogram.sampleCount);
        at = writeVarint(out, at, count);
        out[at++] = doubleTag(Histogram.sampleSum);
        at = writeDouble(out, at, sumOf(metric, cells, row * plan.width));
        if (native !== undefined && head !== undefined) {
          at = copyBytes(out, at, head, 0, head.length);
          at = writeSlots(out, at, cells, first, metric.slots, native.firstIndex);
        }
        const since = created.field(table.created(row));
        at = copyBytes(out, at, since, 0, since.length);
        at = endMessage(out, histogram, 2, at);
        page.length = endMessage(out, start, 2, at);
      }
    },
  };
}

/** NaN where the program keeps none: 0 would be taken for one. */
function sumOf({ sum }: HistogramMetricPlan, cells: Float64Array, base: number): number {
  return sum === undefined ? Number.NaN : (cells[base + sum.cell]! * sum.scale.multiplier) / sum.scale.divisor;
}

function writeBucket(out: Uint8Array, start: number, count: number, bound: Uint8Array): number {
  out[start] = lengthTag(Histogram.bucket);
  let at = start + 2;
  out[at++] = varintTag(Bucket.cumulativeCount);
  at = writeVarint(out, at, count);
  at = copyBytes(out, at, bound, 0, bound.length);
  out[start + 1] = at - start - 2;
  return at;
}

/**
 * The first slot as the zero bucket, the others as one span from the first to the last that has counted. What is above
 * all bounds stands in the bucket behind the last bound.
 */
function writeSlots(
  out: Uint8Array,
  start: number,
  cells: Float64Array,
  first: number,
  slots: number,
  firstIndex: number,
): number {
  let at = start;
  out[at++] = varintTag(Histogram.zeroCount);
  at = writeVarint(out, at, cells[first]!);
  let lowest = 1;
  while (lowest < slots && cells[first + lowest] === 0) lowest++;
  let highest = slots - 1;
  while (highest > lowest && cells[first + highest] === 0) highest--;
  if (lowest > highest) return at;
  out[at++] = lengthTag(Histogram.positiveSpan);
  const span = at++;
  out[at++] = varintTag(BucketSpan.offset);
  at = writeZigzag(out, at, firstIndex + lowest - 1);
  out[at++] = varintTag(BucketSpan.length);
  at = writeVarint(out, at, highest - lowest + 1);
  out[span] = at - span - 1;
  let before = 0;
  for (let slot = lowest; slot <= highest; slot++) {
    const count = cells[first + slot]!;
    out[at++] = varintTag(Histogram.positiveDelta);
    at = writeZigzag(out, at, count - before);
    before = count;
  }
  return at;
}

const NOTHING = new Uint8Array(0);

/** The time when a series began, of which many series have the same. */
class Created {
  readonly #field: number;
  #of: HrTime | undefined;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(field: number) {
    this.#field = field;
  }

  field(time: HrTime): Buffer {
    if (time !== this.#of) {
      this.#of = time;
      this.#bytes = timestampField(this.#field, time);
    }
    return this.#bytes;
  }
}

/** Labels as LabelPair messages. */
const pairLabels: LabelSyntax = {
  extra: 16,
  opening: (name) => stringField(LabelPair.name, name),
  label(out, start, opening, reader) {
    out[start] = lengthTag(Metric.label);
    const pair = start + 1;
    let at = copyBytes(out, pair + 1, opening, 0, opening.length);
    out[at++] = lengthTag(LabelPair.value);
    at = endMessage(out, at, 1, reader.copyValue(out, at + 1));
    return endMessage(out, pair, 1, at);
  },
};
