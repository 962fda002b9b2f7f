import type { InstrumentTypeName } from './exporter/configuration.ts';
import type { MetricPlan } from './plan.ts';

/** What a view's selector looks at. */
export interface Instrument {
  readonly name: string;
  readonly type: InstrumentTypeName;
  readonly unit: string;
}

/** The instruments that would have made map-fed metrics: views, limits and temporality are chosen by them. */
export const metricInstruments = {
  counter: 'observable_counter',
  gauge: 'observable_gauge',
  histogram: 'histogram',
} as const satisfies Record<MetricPlan['kind'], InstrumentTypeName>;
