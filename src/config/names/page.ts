import type { InstrumentTypeName, TranslationStrategy } from '../exporter/configuration.ts';
import type { Position } from '../yaml/diagnostic.ts';
import { type PrometheusKind, prometheusMetricName } from './prometheus.ts';

/** What the names of a metric's lines on a Prometheus page are made of. */
export interface NamedMetric {
  /** Full, as OpenTelemetry has it. */
  readonly name: string;
  readonly unit: string;
  readonly kind: PrometheusKind;
}

/** The names that a metric's lines have on a Prometheus page, its own first; a histogram's lines have names of their own. */
export function pageNames({ name, unit, kind }: NamedMetric, strategy: TranslationStrategy): readonly string[] {
  const page = prometheusMetricName(name, unit, kind, strategy);
  return kind === 'histogram' ? ['', '_bucket', '_sum', '_count'].map((suffix) => page + suffix) : [page];
}

/** What a Prometheus page calls an instrument of this type: a sum that can go down is a gauge there. */
export function pageKind(type: InstrumentTypeName): PrometheusKind {
  switch (type) {
    case 'counter':
    case 'observable_counter':
      return 'counter';
    case 'histogram':
      return 'histogram';
    default:
      return 'gauge';
  }
}

/** Metrics by the names of their lines on pages of one strategy. */
export class PageNames<Metric extends NamedMetric> {
  readonly #strategy: TranslationStrategy;
  readonly #taken = new Map<string, Metric>();

  constructor(strategy: TranslationStrategy) {
    this.#strategy = strategy;
  }

  /** Takes the metric's names, unless one is taken: that name, and who has it, are the result then. */
  take(metric: Metric): { readonly name: string; readonly other: Metric } | undefined {
    const names = pageNames(metric, this.#strategy);
    for (const name of names) {
      const other = this.#taken.get(name);
      if (other !== undefined) return { name, other };
    }
    for (const name of names) this.#taken.set(name, metric);
    return undefined;
  }
}

/** How a clash of two metrics' names on a page is told. */
export function clashText(
  { name }: NamedMetric,
  { name: page, other }: { readonly name: string; readonly other: NamedMetric & { readonly at: Position } },
): string {
  const { file, line } = other.at;
  return `metrics "${name}" and "${other.name}" (${file}:${line}) are both "${page}" on a Prometheus page`;
}
