import type { Meter } from '@opentelemetry/api';

/** Amounts by exporter and metric. */
type Amounts = Map<string, Map<string, number>>;

/** What of pushed metrics did not arrive as it should, counted since the process started. */
export class DeliveryTallies {
  readonly #rejected = new Map<string, number>();
  readonly #unclear: Amounts = new Map();
  readonly #dropped: Amounts = new Map();

  /** The receiver took a request but for so many points. */
  rejected(exporter: string, points: number): void {
    this.#rejected.set(exporter, (this.#rejected.get(exporter) ?? 0) + points);
  }

  /** Deltas that count so much are sent again although the receiver may have stored them. */
  unclear(exporter: string, metric: string, amount: number): void {
    add(this.#unclear, exporter, metric, amount);
  }

  /** A series vanished before its last numbers were delivered, and there was no room to keep them. */
  dropped(exporter: string, metric: string): void {
    add(this.#dropped, exporter, metric, 1);
  }

  /** Registers the metrics of it. They have no series before the first such thing. */
  observe(meter: Meter): void {
    const rejected = meter.createObservableCounter('ebpf_meter.export.rejected', {
      description: 'Points that a receiver rejected of requests that it took otherwise (partial_success)',
      unit: '{point}',
    });
    rejected.addCallback((result) => {
      for (const [exporter, points] of this.#rejected) result.observe(points, { exporter });
    });
    const unclear = meter.createObservableCounter('ebpf_meter.export.unclear', {
      description:
        'What deltas counted that were sent again although the receiver may have stored them: a metric tells at most so much too much',
    });
    unclear.addCallback((result) => {
      for (const [exporter, metric, amount] of entries(this.#unclear)) result.observe(amount, { exporter, metric });
    });
    const dropped = meter.createObservableCounter('ebpf_meter.export.dropped', {
      description: 'Series that vanished in an outage and whose last numbers there was no room to keep',
      unit: '{series}',
    });
    dropped.addCallback((result) => {
      for (const [exporter, metric, count] of entries(this.#dropped)) result.observe(count, { exporter, metric });
    });
  }
}

function add(amounts: Amounts, exporter: string, metric: string, amount: number): void {
  const metrics = amounts.get(exporter) ?? new Map<string, number>();
  amounts.set(exporter, metrics);
  metrics.set(metric, (metrics.get(metric) ?? 0) + amount);
}

function* entries(amounts: Amounts): Generator<[exporter: string, metric: string, amount: number]> {
  for (const [exporter, metrics] of amounts) {
    for (const [metric, amount] of metrics) yield [exporter, metric, amount];
  }
}
