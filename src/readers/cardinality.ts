import { InstrumentType } from '@opentelemetry/sdk-metrics';
import type { CardinalityLimits, InstrumentTypeName } from '../config/exporter.ts';

const names: Readonly<Record<InstrumentType, InstrumentTypeName>> = {
  [InstrumentType.COUNTER]: 'counter',
  [InstrumentType.GAUGE]: 'gauge',
  [InstrumentType.HISTOGRAM]: 'histogram',
  [InstrumentType.OBSERVABLE_COUNTER]: 'observable_counter',
  [InstrumentType.OBSERVABLE_GAUGE]: 'observable_gauge',
  [InstrumentType.OBSERVABLE_UP_DOWN_COUNTER]: 'observable_up_down_counter',
  [InstrumentType.UP_DOWN_COUNTER]: 'up_down_counter',
};

/** The limit of the SDK where nothing is said, which is the specification's. */
const sdkDefault = 2000;

/** A reader's limits for the SDK's own instruments; those of map-fed metrics are kept by the store. */
export function cardinalitySelector(limits: CardinalityLimits = {}): (instrument: InstrumentType) => number {
  return (instrument) => limits[names[instrument]] ?? limits.default ?? sdkDefault;
}
