import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { DataPointType, type MetricData, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { PrometheusReaderConfig } from '../../config/exporter.ts';
import { prometheusMetricName } from '../../metrics/prometheus-name.ts';

/**
 * Text of what the SDK's own instruments collected, target_info included, by the stock serializer.
 * It knows no unit suffixes, so the names are translated before.
 */
export class OwnMetrics {
  readonly #config: PrometheusReaderConfig;
  readonly #serializer: PrometheusSerializer;

  constructor(config: PrometheusReaderConfig) {
    this.#config = config;
    this.#serializer = new PrometheusSerializer('', false, undefined, !config.targetInfo, !config.scopeInfo);
  }

  /** Ends in a line feed; '' where nothing was collected. */
  text(collected: ResourceMetrics): string {
    const scopeMetrics = collected.scopeMetrics.map(({ scope, metrics }) => ({
      scope,
      metrics: metrics.filter((metric) => metric.dataPoints.length > 0).map((metric) => this.#renamed(metric)),
    }));
    const page = this.#unsuffixed(
      this.#serializer.serialize({ resource: collected.resource, scopeMetrics }),
      scopeMetrics.flatMap(({ metrics }) => metrics),
    );
    // The serializer answers an empty collection with a comment that would only puzzle readers of the page.
    const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('# UNIT ') && line !== EMPTY);
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }

  /** Takes back the `_total` that the serializer gives every counter, where the strategy adds no suffixes. */
  #unsuffixed(page: string, metrics: readonly MetricData[]): string {
    if (this.#config.translation.endsWith('with_suffixes')) return page;
    const added = metrics
      .filter((metric) => kindOf(metric) === 'counter' && !metric.descriptor.name.endsWith('_total'))
      .map(({ descriptor }) => descriptor.name);
    if (added.length === 0) return page;
    return page.replace(new RegExp(`^((?:# (?:HELP|TYPE) )?(?:${added.join('|')}))_total(?=[ {])`, 'gm'), '$1');
  }

  #renamed(metric: MetricData): MetricData {
    const { name, unit, description } = metric.descriptor;
    const kind = kindOf(metric);
    const translated = prometheusMetricName(name, unit, kind, this.#config.translation);
    // UNIT is no line of the text format 0.0.4, and the serializer warns of clashes in what it would write there.
    const descriptor = { ...metric.descriptor, name: translated, unit: '', description };
    return { ...metric, descriptor } as MetricData;
  }
}

const EMPTY = '# no registered metrics';

/** What a Prometheus page calls it: a sum that can go down is a gauge there. */
export function kindOf(metric: MetricData): 'counter' | 'gauge' | 'histogram' {
  if (metric.dataPointType === DataPointType.HISTOGRAM) return 'histogram';
  return metric.dataPointType === DataPointType.SUM && metric.isMonotonic ? 'counter' : 'gauge';
}
