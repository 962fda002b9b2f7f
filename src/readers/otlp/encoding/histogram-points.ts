import type { HistogramMetricPlan } from '../../../config/plan.ts';
import { MessageBuffer } from '../../wire/message-buffer.ts';
import { varintSize } from '../../wire/protobuf.ts';
import type { PointForm } from './point-form.ts';
import { temporalitySettings } from './settings.ts';

const COUNT = 0x21;
const SUM = 0x29;
const BUCKET_COUNTS = 0x32;
const EXPLICIT_BOUNDS = 0x3a;
const ATTRIBUTES = 0x4a;

/**
 * Points of an explicit-bucket histogram: bounds.length + 1 counts, the last of what is above the last bound
 * (0 where the layout has no slot for it), their sum as the count, and the program's own sum where it keeps one.
 */
export function histogramForm(plan: HistogramMetricPlan, isDelta: boolean): PointForm {
  const { slots, sum } = plan;
  const buckets = plan.bounds.length + 1;
  const bounds = explicitBounds(plan.bounds);
  const size = 9 + (sum === undefined ? 0 : 9) + 1 + varintSize(buckets * 8) + buckets * 8 + bounds.length;
  return {
    data: 9,
    attributes: ATTRIBUTES,
    settings: temporalitySettings(isDelta),
    size: () => size,
    write(writer, values) {
      writeCountAndSum(writer, plan, values);
      writer.byte(BUCKET_COUNTS);
      writer.varint(buckets * 8);
      for (let slot = 0; slot < buckets; slot++) writer.integer(slot < slots ? values[slot]! : 0);
      writer.append(bounds);
    },
  };
}

/** Fields that both kinds of histograms have: how many were observed and, where the program keeps it, their sum. */
export function writeCountAndSum(
  writer: MessageBuffer,
  { slots, sum }: HistogramMetricPlan,
  values: Float64Array,
): void {
  writer.byte(COUNT);
  let count = 0;
  for (let slot = 0; slot < slots; slot++) count += values[slot]!;
  writer.integer(count);
  if (sum === undefined) return;
  writer.byte(SUM);
  writer.double((values[slots]! * sum.scale.multiplier) / sum.scale.divisor);
}

function explicitBounds(bounds: readonly number[]): Uint8Array {
  const writer = new MessageBuffer();
  if (bounds.length === 0) return new Uint8Array(0);
  writer.byte(EXPLICIT_BOUNDS);
  writer.varint(bounds.length * 8);
  writer.reserve(bounds.length * 8);
  for (const bound of bounds) writer.double(bound);
  return Uint8Array.from(writer.bytes.subarray(0, writer.length));
}
