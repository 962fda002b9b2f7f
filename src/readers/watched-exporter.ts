import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { PushMetricExporter, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { Health } from '../metrics/health.ts';
import type { SelectTemporality } from '../metrics/table-points.ts';
import { exportErrorText, exportErrorType, exportRemedy } from './export-error.ts';
import type { ReaderLog } from './reader.ts';

export interface WatchedExporterOptions {
  /** For the attribute `exporter`: otlp_grpc, console. */
  readonly kind: string;
  /** For the log: `OTLP to http://collector:4317`. */
  readonly describe: string;
  readonly selectTemporality: SelectTemporality;
  readonly health: Health;
  readonly log: ReaderLog;
  /** Called when an export has been delivered, before its reader is told. */
  readonly onDelivered: () => void;
}

/**
 * An exporter whose results are seen. The SDK's reader drops them: it gives up waiting without a word, and both its
 * forceFlush and its shutdown resolve whatever happened.
 * Each failure is counted, an outage is logged when it begins and when it is over.
 */
export class WatchedExporter implements PushMetricExporter {
  readonly #exporter: PushMetricExporter;
  readonly #options: WatchedExporterOptions;
  #ongoing: Promise<void> = Promise.resolve();
  #failures = 0;
  #lastError: unknown;

  constructor(exporter: PushMetricExporter, options: WatchedExporterOptions) {
    this.#exporter = exporter;
    this.#options = options;
  }

  /** Why the last finished export failed; undefined where it didn't, or where there was none. */
  get outage(): Error | undefined {
    if (this.#failures === 0) return undefined;
    return this.#lastError instanceof Error ? this.#lastError : new Error(String(this.#lastError));
  }

  /** Resolves when no export is under way, also where its reader no longer waits for it. */
  idle(): Promise<void> {
    return this.#ongoing;
  }

  export(metrics: ResourceMetrics, resultCallback: (result: ExportResult) => void): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ongoing = promise;
    const { health, kind } = this.#options;
    const start = performance.now();
    const finish = (result: ExportResult): void => {
      health.exported(kind, (performance.now() - start) / 1000);
      if (result.code === ExportResultCode.SUCCESS) this.#succeeded();
      else this.#failed(result.error);
      resolve();
      resultCallback(result);
    };
    try {
      this.#exporter.export(metrics, finish);
    } catch (error) {
      finish({ code: ExportResultCode.FAILED, error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  selectAggregationTemporality(instrument: Parameters<SelectTemporality>[0]): ReturnType<SelectTemporality> {
    return this.#options.selectTemporality(instrument);
  }

  forceFlush(): Promise<void> {
    return this.#exporter.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  #succeeded(): void {
    const { log, describe, onDelivered } = this.#options;
    onDelivered();
    if (this.#failures > 0) {
      log.info(`${describe}: delivering again after ${this.#failures} failed ${plural(this.#failures, 'export')}`);
    }
    this.#failures = 0;
    this.#lastError = undefined;
  }

  #failed(error: unknown): void {
    const { log, describe, kind, health } = this.#options;
    const type = exportErrorType(error);
    health.tallies.exportError(kind, type);
    this.#failures++;
    this.#lastError = error ?? new Error('the exporter gave no reason');
    if (this.#failures > 1) return;
    const remedy = exportRemedy(type);
    log.warn(
      `${describe}: export failed: ${exportErrorText(this.outage!)}${remedy === undefined ? '' : `; ${remedy}`}`,
    );
  }
}

function plural(count: number, noun: string): string {
  return count === 1 ? noun : `${noun}s`;
}
