import { MetricReader } from '@opentelemetry/sdk-metrics';
import type { PrometheusReaderConfig } from '../../config/exporter.ts';
import type { SeriesStore } from '../../metrics/rows.ts';
import { SCOPE_NAME } from '../../metrics/scope.ts';
import { labelsText } from '../../metrics/series-rows.ts';
import type { CreatedReader, ReaderContext } from '../reader.ts';
import { RecurringErrors } from '../recurring-errors.ts';
import { type Family, makeFamilies, writeFamily } from './families.ts';
import { OwnMetrics } from './own-metrics.ts';
import { Page } from './page.ts';
import { PageBuffer, PagePool } from './page-buffer.ts';
import { PrometheusServer } from './server.ts';

/** Starts to listen; rejects with MeterError('reader') where the address can't be used. */
export async function createPrometheusReader(
  config: PrometheusReaderConfig,
  context: ReaderContext,
): Promise<CreatedReader> {
  const reader = new PrometheusReader(config, context);
  const url = await reader.listen();
  return { reader, describe: url };
}

/**
 * Serves the Prometheus text format. Map-fed series are written straight from the tables' bytes and cells;
 * the SDK's instruments go through MetricReader.collect and the stock serializer.
 */
export class PrometheusReader extends MetricReader {
  readonly #config: PrometheusReaderConfig;
  readonly #context: ReaderContext;
  readonly #store: SeriesStore;
  readonly #families: readonly Family[];
  readonly #ownMetrics: OwnMetrics;
  readonly #pool = new PagePool();
  readonly #server: PrometheusServer;
  readonly #ownErrors: RecurringErrors;
  readonly #bound = Promise.withResolvers<void>();
  #expectedBytes = 0;
  #current: { sequence: number; page: Promise<Page> } | undefined;

  constructor(config: PrometheusReaderConfig, context: ReaderContext) {
    super();
    this.#config = config;
    this.#context = context;
    this.#store = context.store;
    const scope = config.scopeInfo
      ? labelsText(['otel_scope_name', 'otel_scope_version'], [SCOPE_NAME, context.version])
      : '';
    this.#families = makeFamilies(context.tables, config.translation, scope);
    this.#ownMetrics = new OwnMetrics(config);
    this.#ownErrors = new RecurringErrors(context.log, 'own metrics');
    this.#server = new PrometheusServer({ page: () => this.page(), version: context.version, log: context.log });
  }

  /** The URL of the metrics. */
  listen(): Promise<string> {
    return this.#server.listen(this.#config.host, this.#config.port);
  }

  /**
   * Collects and writes one page; calls that come before the maps are read share one.
   * The caller releases it. Rejects where the collection as a whole failed.
   */
  async page(): Promise<Page> {
    // Another reader may still be starting, and only then comes the MeterProvider.
    await this.#bound.promise;
    const start = performance.now();
    const reading = await this.#store.read();
    if (this.#current?.sequence !== reading.sequence) {
      this.#current = { sequence: reading.sequence, page: this.#write(start) };
      return this.#current.page;
    }
    const shared = await this.#current.page;
    shared.retain();
    return shared;
  }

  async #write(start: number): Promise<Page> {
    const buffer = new PageBuffer(this.#pool, this.#expectedBytes);
    try {
      // No await before the tables are written: the next reading changes them.
      for (const family of this.#families) writeFamily(family, buffer);
      this.#context.health.collected('prometheus', (performance.now() - start) / 1000);
      const { resourceMetrics, errors } = await this.collect();
      this.#ownErrors.report(errors);
      buffer.text(this.#ownMetrics.text(resourceMetrics));
      this.#expectedBytes = buffer.length;
      return new Page(buffer);
    } catch (error) {
      buffer.release();
      throw error;
    }
  }

  protected override onInitialized(): void {
    this.#bound.resolve();
  }

  protected override async onForceFlush(): Promise<void> {}

  protected override async onShutdown(): Promise<void> {
    await this.#server.close();
  }
}
