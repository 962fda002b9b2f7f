import type { Attributes } from '@opentelemetry/api';
import { type AggregationOption, AggregationType, InstrumentType, type ViewOptions } from '@opentelemetry/sdk-metrics';
import type { InstrumentTypeName, ViewAggregation, ViewConfig } from '../config/exporter.ts';
import { chosenBy } from '../config/wildcard.ts';

const instrumentTypes: Readonly<Record<InstrumentTypeName, InstrumentType>> = {
  counter: InstrumentType.COUNTER,
  gauge: InstrumentType.GAUGE,
  histogram: InstrumentType.HISTOGRAM,
  observable_counter: InstrumentType.OBSERVABLE_COUNTER,
  observable_gauge: InstrumentType.OBSERVABLE_GAUGE,
  observable_up_down_counter: InstrumentType.OBSERVABLE_UP_DOWN_COUNTER,
  up_down_counter: InstrumentType.UP_DOWN_COUNTER,
};

/** The configured views as the SDK has them, for the exporter's own instruments; map-fed metrics have theirs in the plans. */
export function ownViews(views: readonly ViewConfig[]): ViewOptions[] {
  return views.map((view) => {
    const { selector, name, description, attributeKeys, aggregation, cardinalityLimit } = view;
    const { instrumentType, unit, meterName, meterVersion, meterSchemaUrl } = selector;
    return {
      instrumentName: selector.instrumentName ?? '*',
      ...(instrumentType !== undefined && { instrumentType: instrumentTypes[instrumentType] }),
      ...(unit !== undefined && { instrumentUnit: unit }),
      ...(meterName !== undefined && { meterName }),
      ...(meterVersion !== undefined && { meterVersion }),
      ...(meterSchemaUrl !== undefined && { meterSchemaUrl }),
      ...(name !== undefined && { name }),
      ...(description !== undefined && { description }),
      ...(attributeKeys !== undefined && { attributesProcessors: [keeping(chosenBy(attributeKeys))] }),
      ...(aggregation !== undefined && { aggregation: aggregationOption(aggregation) }),
      ...(cardinalityLimit !== undefined && { aggregationCardinalityLimit: cardinalityLimit }),
    };
  });
}

function keeping(isWanted: (name: string) => boolean): { process(incoming: Attributes): Attributes } {
  return {
    process: (incoming) => Object.fromEntries(Object.entries(incoming).filter(([name]) => isWanted(name))),
  };
}

function aggregationOption(aggregation: ViewAggregation): AggregationOption {
  switch (aggregation.kind) {
    case 'default':
      return { type: AggregationType.DEFAULT };
    case 'drop':
      return { type: AggregationType.DROP };
    case 'sum':
      return { type: AggregationType.SUM };
    case 'last_value':
      return { type: AggregationType.LAST_VALUE };
    case 'explicit_bucket_histogram': {
      const options = { recordMinMax: aggregation.minMax, boundaries: [...aggregation.boundaries] };
      return { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options };
    }
    case 'base2_exponential_bucket_histogram': {
      const options = { recordMinMax: aggregation.minMax, maxSize: aggregation.maxSize };
      return { type: AggregationType.EXPONENTIAL_HISTOGRAM, options };
    }
  }
}
