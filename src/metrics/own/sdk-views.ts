import type { Attributes } from '@opentelemetry/api';
import { type AggregationOption, AggregationType, type ViewOptions } from '@opentelemetry/sdk-metrics';
import type { ViewAggregation, ViewConfig } from '../../config/exporter/configuration.ts';
import { chosenBy } from '../../config/names/wildcard.ts';
import { sdkInstruments } from '../instrument-types.ts';

/** The configured views as the SDK has them, for the exporter's own instruments; map-fed metrics have theirs in the plans. */
export function sdkViews(views: readonly ViewConfig[]): ViewOptions[] {
  return views.map((view) => {
    const { selector, name, description, attributeKeys, aggregation, cardinalityLimit } = view;
    const { instrumentType, unit, meterName, meterVersion, meterSchemaUrl } = selector;
    return {
      instrumentName: selector.instrumentName ?? '*',
      ...(instrumentType !== undefined && { instrumentType: sdkInstruments[instrumentType] }),
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
