import { AggregationTemporality, InstrumentType } from '@opentelemetry/sdk-metrics';
import type { TemporalityPreference } from '../config/exporter/configuration.ts';

/** By the instrument that makes a metric, or would have. */
export type SelectTemporality = (instrument: InstrumentType) => AggregationTemporality;

const ALWAYS_CUMULATIVE = [InstrumentType.UP_DOWN_COUNTER, InstrumentType.OBSERVABLE_UP_DOWN_COUNTER];
const LOW_MEMORY_DELTA = [InstrumentType.COUNTER, InstrumentType.HISTOGRAM];

/**
 * The temporality of each kind of instrument under a preference.
 * Source: specification/metrics/sdk_exporters/otlp.md of OpenTelemetry, "Additional environment variable configuration".
 */
export function temporalitySelector(preference: TemporalityPreference): SelectTemporality {
  return (instrument) => {
    const isDelta =
      preference === 'delta'
        ? !ALWAYS_CUMULATIVE.includes(instrument)
        : preference === 'low_memory' && LOW_MEMORY_DELTA.includes(instrument);
    return isDelta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
  };
}
