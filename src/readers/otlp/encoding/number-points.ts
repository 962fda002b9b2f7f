import type { NumberMetricPlan } from '../../../config/plan.ts';
import { NUMBER_ATTRIBUTES } from '../totals/encoded-labels.ts';
import type { PointForm } from './point-form.ts';
import { sumSettings } from './settings.ts';

/** OTLP's integers are signed 64-bit (NumberDataPoint.as_int of metrics.proto): what is above goes out as a double. */
const INT_LIMIT = 2 ** 63;
const AS_DOUBLE = 0x21;
const AS_INT = 0x31;

/** Points of a counter (a monotonic sum) or a gauge. */
export function numberForm(plan: NumberMetricPlan, isDelta: boolean): PointForm {
  const { multiplier, divisor } = plan.scale;
  const integer = divisor === 1 && Number.isInteger(multiplier);
  const isGauge = plan.kind === 'gauge';
  return {
    data: isGauge ? 5 : 7,
    attributes: NUMBER_ATTRIBUTES,
    settings: isGauge ? new Uint8Array(0) : sumSettings(isDelta),
    size: () => 9,
    write(writer, values) {
      const value = (values[0]! * multiplier) / divisor;
      if (integer && value < INT_LIMIT && value >= -INT_LIMIT) {
        writer.byte(AS_INT);
        writer.integer(value);
      } else {
        writer.byte(AS_DOUBLE);
        writer.double(value);
      }
    },
  };
}
