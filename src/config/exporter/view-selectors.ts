import type { ConfigMap, ConfigNode } from '../yaml/document.ts';
import type { ViewAggregation, ViewConfig, ViewSelector } from './configuration.ts';
import { readIncludeExclude } from './include-exclude.ts';
import { instrumentTypeNames, readLimit } from './limits.ts';
import { choice, requiredSetting, section, setting } from './section.ts';

const aggregations = [
  'default',
  'drop',
  'explicit_bucket_histogram',
  'base2_exponential_bucket_histogram',
  'last_value',
  'sum',
] as const;

/** What the schema says where nothing is said. */
const defaultBoundaries = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];
const defaultMaxScale = 20;
const defaultMaxSize = 160;

/** `meter_provider.views`: what is wrong with them whatever metrics there are. */
export function readViews(node: ConfigNode | undefined): readonly ViewConfig[] {
  return (node?.list() ?? []).flatMap((item) => {
    const map = section(item, { supported: ['selector', 'stream'] });
    const selectorNode = map && requiredSetting(map, 'selector');
    const streamNode = map && requiredSetting(map, 'stream');
    if (selectorNode === undefined || streamNode === undefined) return [];
    const selector = readSelector(selectorNode);
    const stream = readStream(streamNode, selector);
    return stream === undefined ? [] : [{ ...stream, selector, selectorAt: selectorNode.position }];
  });
}

function readSelector(node: ConfigNode): ViewSelector {
  const map = section(node, {
    supported: ['instrument_name', 'instrument_type', 'unit', 'meter_name', 'meter_version', 'meter_schema_url'],
  });
  const text = (key: string) => setting(map, key)?.string();
  const instrumentName = text('instrument_name');
  const instrumentType = setting(map, 'instrument_type')?.oneOf(instrumentTypeNames);
  const unit = text('unit');
  const meterName = text('meter_name');
  const meterVersion = setting(map, 'meter_version')?.text();
  const meterSchemaUrl = text('meter_schema_url');
  return {
    ...(instrumentName !== undefined && { instrumentName }),
    ...(instrumentType !== undefined && { instrumentType }),
    ...(unit !== undefined && { unit }),
    ...(meterName !== undefined && { meterName }),
    ...(meterVersion !== undefined && { meterVersion }),
    ...(meterSchemaUrl !== undefined && { meterSchemaUrl }),
  };
}

function readStream(node: ConfigNode, selector: ViewSelector): Omit<ViewConfig, 'selector' | 'selectorAt'> | undefined {
  const map = section(node, {
    supported: ['name', 'description', 'aggregation', 'aggregation_cardinality_limit', 'attribute_keys'],
  });
  if (map === undefined) return undefined;
  const nameNode = setting(map, 'name');
  const name = nameNode?.string();
  if (name !== undefined) checkName(nameNode!, name, selector);
  const description = setting(map, 'description')?.string();
  const keys = setting(map, 'attribute_keys');
  const aggregationNode = setting(map, 'aggregation');
  const aggregation = aggregationNode && readAggregation(aggregationNode);
  const cardinalityLimit = readLimit(setting(map, 'aggregation_cardinality_limit'));
  return {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(keys !== undefined && { attributeKeys: readIncludeExclude(keys) }),
    ...(aggregation !== undefined && { aggregation }),
    ...(cardinalityLimit !== undefined && { cardinalityLimit }),
    at: (aggregationNode ?? node).position,
  };
}

/** Source: the OpenTelemetry specification, metrics/api.md, "Instrument name syntax", and metrics/sdk.md, "Stream configuration". */
function checkName(node: ConfigNode, name: string, { instrumentName }: ViewSelector): void {
  if (!/^[A-Za-z][A-Za-z0-9_.\-/]{0,254}$/.test(name)) {
    node.error(
      `"name": ${JSON.stringify(name)} must start with a letter and have only letters, digits, "_", ".", "-" and "/", at most 255`,
    );
  }
  if (instrumentName === undefined || /[*?]/.test(instrumentName)) {
    node.error(
      '"name": the selector may match several metrics, which can\'t all be called so: give it an "instrument_name" without wildcards',
    );
  }
}

function readAggregation(node: ConfigNode): ViewAggregation | undefined {
  const kind = choice(node, { supported: aggregations });
  if (kind === undefined) return undefined;
  const { name, value } = kind;
  switch (name) {
    case 'explicit_bucket_histogram': {
      const map = options(value, ['boundaries', 'record_min_max']);
      return { kind: name, boundaries: readBoundaries(setting(map, 'boundaries')), minMax: minMax(map) };
    }
    case 'base2_exponential_bucket_histogram': {
      const map = options(value, ['max_scale', 'max_size', 'record_min_max']);
      const maxScale = setting(map, 'max_scale')?.integer({ min: -10, max: 20 }) ?? defaultMaxScale;
      const maxSize = setting(map, 'max_size')?.integer({ min: 2, max: 2 ** 31 - 1 }) ?? defaultMaxSize;
      return { kind: name, maxScale, maxSize, minMax: minMax(map) };
    }
    default:
      options(value, []);
      return { kind: name as 'default' | 'drop' | 'sum' | 'last_value' };
  }
}

/** `drop:` has nothing behind it. */
function options(node: ConfigNode, supported: readonly string[]): ConfigMap | undefined {
  return node.isNull ? undefined : section(node, { supported });
}

function minMax(map: ConfigMap | undefined): boolean {
  return setting(map, 'record_min_max')?.boolean() ?? true;
}

function readBoundaries(node: ConfigNode | undefined): readonly number[] {
  const items = node?.list();
  if (items === undefined) return defaultBoundaries;
  const bounds = items.flatMap((item) => item.number() ?? []);
  for (const [i, bound] of bounds.entries()) {
    if (i > 0 && bound <= bounds[i - 1]!) items[i]?.error(`"boundaries": ${bound} isn't above the one before`);
  }
  return bounds;
}
