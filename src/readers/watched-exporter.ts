import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { PushMetricExporter, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { SelectTemporality } from '../metrics/table-points.ts';
import { exportErrorType } from './export-error.ts';
import { Outage, type OutageOptions } from './outage.ts';

export interface WatchedExporterOptions extends OutageOptions {
  readonly selectTemporality: SelectTemporality;
  /** Called when an export has been delivered, before its reader is told. */
  readonly onDelivered: () => void;
}

/**
 * An exporter whose results are seen. The SDK's reader drops them: it gives up waiting without a word, and both its
 * forceFlush and its shutdown resolve whatever happened.
 */
export class WatchedExporter implements PushMetricExporter {
  readonly #exporter: PushMetricExporter;
  readonly #options: WatchedExporterOptions;
  readonly #outage: Outage;
  #ongoing: Promise<void> = Promise.resolve();

  constructor(exporter: PushMetricExporter, options: WatchedExporterOptions) {
    this.#exporter = exporter;
    this.#options = options;
    this.#outage = new Outage(options);
  }

  /** Why the last finished export failed; undefined where it didn't, or where there was none. */
  get outage(): Error | undefined {
    return this.#outage.error;
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
      if (result.code === ExportResultCode.SUCCESS) {
        this.#options.onDelivered();
        this.#outage.succeeded();
      } else {
        this.#outage.failed(result.error ?? new Error('the exporter gave no reason'), exportErrorType(result.error));
      }
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
}
