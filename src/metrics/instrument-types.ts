import { InstrumentType } from '@opentelemetry/sdk-metrics';
import type { InstrumentTypeName } from '../config/exporter/configuration.ts';

/** Kinds of instruments as the SDK calls them, by the configuration's names. */
export const sdkInstruments: Readonly<Record<InstrumentTypeName, InstrumentType>> = {
  counter: InstrumentType.COUNTER,
  gauge: InstrumentType.GAUGE,
  histogram: InstrumentType.HISTOGRAM,
  observable_counter: InstrumentType.OBSERVABLE_COUNTER,
  observable_gauge: InstrumentType.OBSERVABLE_GAUGE,
  observable_up_down_counter: InstrumentType.OBSERVABLE_UP_DOWN_COUNTER,
  up_down_counter: InstrumentType.UP_DOWN_COUNTER,
};
