import type { InstrumentType } from '@opentelemetry/sdk-metrics';
import type { CardinalityLimits } from '../config/exporter/configuration.ts';
import { instrumentTypeNames } from '../config/exporter/limits.ts';
import { sdkInstruments } from '../metrics/instrument-types.ts';

const names = new Map(instrumentTypeNames.map((name) => [sdkInstruments[name], name]));

/** The limit of the SDK where nothing is said, which is the specification's. */
const sdkDefault = 2000;

/** A reader's limits for the exporter's own instruments; those of map-fed metrics are kept by the store. */
export function cardinalitySelector(limits: CardinalityLimits = {}): (instrument: InstrumentType) => number {
  return (instrument) => limits[names.get(instrument)!] ?? limits.default ?? sdkDefault;
}
