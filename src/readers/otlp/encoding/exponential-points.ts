import type { HistogramMetricPlan } from '../../../config/plan.ts';
import { varintSize } from '../../wire/protobuf.ts';
import { writeCountAndSum } from './histogram-points.ts';
import type { PointForm } from './point-form.ts';
import { temporalitySettings } from './settings.ts';

const ZERO_COUNT = 0x39;
const POSITIVE = 0x42;
const OFFSET = 0x08;
const BUCKET_COUNTS = 0x12;
const ZERO_THRESHOLD = 0x71;
const ATTRIBUTES = 0x0a;

/**
 * Points of an exponential histogram of scale 0, whose bucket `index` holds (2^index, 2^(index+1)]: the slots as they
 * are. What is at most the first bound, 0 included, is the zero bucket, whose threshold that bound is; what is above
 * the last bound is the next bucket. Scale 0 is the default of its field and left out.
 *
 * Undefined where the bounds are no powers of two in the metric's unit: microseconds that are exported as seconds
 * would have to be sorted into other buckets than those that they were counted in.
 * Source: ExponentialHistogramDataPoint in opentelemetry/proto/metrics/v1/metrics.proto.
 */
export function exponentialForm(plan: HistogramMetricPlan, isDelta: boolean): PointForm | undefined {
  const exponents = plan.bounds.map((bound) => Math.log2(bound));
  const consecutive = exponents.every(
    (exponent, i) => exponent === exponents[0]! + i && 2 ** exponent === plan.bounds[i],
  );
  const [first] = exponents;
  if (!plan.powersOfTwo || first === undefined || !consecutive) return undefined;
  const { slots, sum } = plan;
  const threshold = plan.bounds[0]!;
  const fixed = 9 + (sum === undefined ? 0 : 9) + 9 + 9;

  /** The slots from the first to the last that counted something, without the zero bucket's. */
  const range = (values: Float64Array): { from: number; to: number; counts: number } => {
    let from = 1;
    let to = slots;
    while (from < to && values[from] === 0) from++;
    while (to > from && values[to - 1] === 0) to--;
    let counts = 0;
    for (let slot = from; slot < to; slot++) counts += varintSize(values[slot]!);
    return { from, to, counts };
  };
  /** The bucket (bounds[slot - 1], bounds[slot]], as a sint32: signs are in the lowest bit. */
  const offset = (slot: number): number => {
    const index = first + slot - 1;
    return index >= 0 ? index * 2 : -index * 2 - 1;
  };
  const positiveSize = ({ from, counts }: { from: number; counts: number }): number => {
    return 1 + varintSize(offset(from)) + 1 + varintSize(counts) + counts;
  };

  return {
    data: 10,
    attributes: ATTRIBUTES,
    settings: temporalitySettings(isDelta),
    size(values) {
      const positive = range(values);
      if (positive.counts === 0) return fixed;
      const size = positiveSize(positive);
      return fixed + 1 + varintSize(size) + size;
    },
    write(writer, values) {
      writeCountAndSum(writer, plan, values);
      writer.byte(ZERO_COUNT);
      writer.integer(values[0]!);
      const positive = range(values);
      if (positive.counts > 0) {
        writer.byte(POSITIVE);
        writer.varint(positiveSize(positive));
        writer.byte(OFFSET);
        writer.varint(offset(positive.from));
        writer.byte(BUCKET_COUNTS);
        writer.varint(positive.counts);
        for (let slot = positive.from; slot < positive.to; slot++) writer.varint(values[slot]!);
      }
      writer.byte(ZERO_THRESHOLD);
      writer.double(threshold);
    },
  };
}
