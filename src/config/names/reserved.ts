import { prometheusLabelName } from './prometheus.ts';

/**
 * Who a label's name belongs to, as the end of a sentence about it; undefined: to whoever gives it. The name is looked at as a
 * Prometheus page has it, since one that is reserved there makes Prometheus drop the whole page, by whatever way it comes.
 * Sources: prometheus.io/docs/concepts/data_model ("labels beginning with __ are reserved"); OpenTelemetry's semantic
 * conventions, "Reserved namespace" (`otel.`), and its compatibility/prometheus_and_openmetrics.md (`otel_scope_…`).
 */
export function labelOwner(label: string): string | undefined {
  if (isPrometheusLabel(label)) {
    return `names that begin with "__" are Prometheus's own, as "${prometheusLabelName(label)}" on its page is`;
  }
  const isTheirs = prometheusLabelName(label).startsWith('otel_');
  return isTheirs ? `names that begin with "otel." or "otel_" are OpenTelemetry's own` : undefined;
}

/** Whether a label of this name would be one of Prometheus's own on its page, so that it must not be there. */
export function isPrometheusLabel(label: string): boolean {
  return prometheusLabelName(label).startsWith('__');
}

/** What becomes of a resource's attribute whose name is reserved on a Prometheus page; undefined: it isn't. */
export function attributeWarning(name: string): string | undefined {
  if (!isPrometheusLabel(name)) return undefined;
  return `attribute "${name}" is on no Prometheus page, where names that begin with "__" are Prometheus's own`;
}

/** Names that a page or Prometheus itself gives to series of every target, whatever the exporter measures. */
const targetSeries: ReadonlySet<string> = new Set([
  'target_info',
  'otel_scope_info',
  // Source: prometheus.io/docs/concepts/jobs_instances, and prometheus.io/docs/prometheus/latest/feature_flags, "Extra scrape metrics".
  'up',
  'scrape_duration_seconds',
  'scrape_samples_scraped',
  'scrape_samples_post_metric_relabeling',
  'scrape_series_added',
  'scrape_timeout_seconds',
  'scrape_sample_limit',
  'scrape_body_size_bytes',
]);

/** Whether a line of this name on a Prometheus page would be taken for one that every target has. */
export function isOfTarget(pageName: string): boolean {
  return targetSeries.has(pageName);
}
