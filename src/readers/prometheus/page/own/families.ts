import type { Attributes, HrTime } from '@opentelemetry/api';
import {
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
  type ScopeMetrics,
} from '@opentelemetry/sdk-metrics';
import type { PrometheusReaderConfig } from '../../../../config/exporter/configuration.ts';
import { escapeName } from '../../../../config/names/escaping.ts';
import type { PrometheusKind } from '../../../../config/names/prometheus.ts';
import { type Label, labelName, metricName, type Naming, namedLabels } from '../family.ts';

/** What the exporter's own instruments tell under one name of the page. */
export interface OwnFamily {
  readonly name: string;
  readonly help: string;
  readonly unit: string;
  readonly kind: PrometheusKind | 'info';
  readonly points: OwnPoint[];
}

export interface OwnPoint {
  /** By their names on the page. */
  readonly labels: readonly Label[];
  readonly start: HrTime;
  readonly value: number | Histogram | ExponentialHistogram;
}

/**
 * What the SDK collected, by the page's names, target_info in front. Of instruments of one name but another kind only the
 * first can be told; the others are in `errors`. All have counted since `created`: the SDK has what is observed begin with
 * its first observation, by a clock that may have been set back since.
 */
export function ownFamilies(
  collected: ResourceMetrics,
  naming: Naming,
  config: Pick<PrometheusReaderConfig, 'targetInfo' | 'scopeInfo'> & { readonly resourceLabels?: readonly Label[] },
  created: HrTime,
): { families: readonly OwnFamily[]; errors: readonly Error[] } {
  const families = new Map<string, OwnFamily>();
  const errors: Error[] = [];
  if (config.targetInfo) {
    const labels = namedLabels(attributeLabels(collected.resource.attributes as Attributes), naming);
    const point: OwnPoint = { labels, start: [0, 0], value: 1 };
    const name = escapeName('target_info', naming.escaping);
    families.set(name, { name, help: 'Target metadata', unit: '', kind: 'info', points: [point] });
  }
  for (const { scope, metrics } of collected.scopeMetrics) {
    const constant = [...(config.scopeInfo ? scopeLabels(scope) : []), ...(config.resourceLabels ?? [])];
    for (const metric of metrics) {
      if (metric.dataPoints.length === 0) continue;
      const { name: original, unit, description: help } = metric.descriptor;
      const kind = kindOf(metric);
      const name = metricName(original, unit, kind, naming);
      const family = families.get(name) ?? { name, help, unit, kind, points: [] };
      families.set(name, family);
      if (family.kind !== kind) {
        errors.push(new Error(`"${original}": left out, since "${name}" is a ${family.kind} already, not a ${kind}`));
        continue;
      }
      for (const { attributes, value } of metric.dataPoints) {
        const own = attributeLabels(attributes);
        const names = new Set(own.map(([label]) => labelName(label, naming)));
        const added = constant.filter(([label]) => !names.has(labelName(label, naming)));
        const labels = namedLabels([...own, ...added], naming);
        family.points.push({ labels, start: created, value });
      }
    }
  }
  return { families: [...families.values()], errors };
}

/** The labels by which a page tells scopes apart. */
export function scopeLabels({ name, version, schemaUrl }: ScopeMetrics['scope']): readonly Label[] {
  return [
    ['otel_scope_name', name],
    ...(version ? ([['otel_scope_version', version]] as const) : []),
    ...(schemaUrl ? ([['otel_scope_schema_url', schemaUrl]] as const) : []),
  ];
}

/** What a Prometheus page calls it: a sum that can go down is a gauge there. */
function kindOf(metric: MetricData): PrometheusKind {
  switch (metric.dataPointType) {
    case DataPointType.HISTOGRAM:
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      return 'histogram';
    case DataPointType.SUM:
      return metric.isMonotonic ? 'counter' : 'gauge';
    case DataPointType.GAUGE:
      return 'gauge';
  }
}

/** Whether it is an exponential histogram, rather than one with explicit buckets. */
export function isExponential(value: Histogram | ExponentialHistogram): value is ExponentialHistogram {
  return 'scale' in value;
}

export function attributeLabels(attributes: Attributes): Label[] {
  return Object.entries(attributes).flatMap(([name, value]): Label[] => {
    if (value === undefined || value === null) return [];
    return [[name, Array.isArray(value) ? JSON.stringify(value) : String(value)]];
  });
}
