import type { Meter } from '@opentelemetry/api';
import { observeCounts, Tally } from './tally.ts';

/** What of pushed metrics did not arrive as it should, counted since the process started. */
export class DeliveryTallies {
  readonly #rejected = new Tally<'exporter'>();
  readonly #unclear = new Tally<'exporter' | 'metric'>();
  readonly #dropped = new Tally<'exporter' | 'metric'>();

  /** The receiver took a request but for so many points. */
  rejected(exporter: string, points: number): void {
    this.#rejected.add({ exporter }, points);
  }

  /** Deltas that count so much are sent again although the receiver may have stored them. */
  unclear(exporter: string, metric: string, amount: number): void {
    this.#unclear.add({ exporter, metric }, amount);
  }

  /** A series vanished before its last numbers were delivered, and there was no room to keep them. */
  dropped(exporter: string, metric: string): void {
    this.#dropped.add({ exporter, metric });
  }

  /** Registers the metrics of it. They have no series before the first such thing. */
  observe(meter: Meter): void {
    observeCounts(
      meter,
      'ebpf_meter.export.rejected',
      'Points that a receiver rejected of requests that it took otherwise (partial_success)',
      '{point}',
      () => this.#rejected,
    );
    observeCounts(
      meter,
      'ebpf_meter.export.unclear',
      'What deltas counted that were sent again although the receiver may have stored them: a metric tells at most so much too much',
      '',
      () => this.#unclear,
    );
    observeCounts(
      meter,
      'ebpf_meter.export.dropped',
      'Series that vanished in an outage and whose last numbers there was no room to keep',
      '{series}',
      () => this.#dropped,
    );
  }
}
