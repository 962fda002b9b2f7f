import type { InstrumentTypeName } from './exporter/configuration.ts';
import type { MetricPlan } from './plan.ts';

/** The instruments that would have made map-fed metrics: views, limits and temporality are chosen by them. */
export const metricInstruments = {
  counter: 'observable_counter',
  gauge: 'observable_gauge',
  histogram: 'histogram',
} as const satisfies Record<MetricPlan['kind'], InstrumentTypeName>;
