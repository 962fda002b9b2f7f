// The reader that serves Prometheus pages: collecting, a writer per format, and in http/ the server. May be imported by
// the files of readers beside this folder; its check of web configurations by the command line, too.

import { MetricReader } from '@opentelemetry/sdk-metrics';
import type { PrometheusReaderConfig } from '../../config/exporter/configuration.ts';
import { keepsUtf8 } from '../../config/names/prometheus.ts';
import { scopeName } from '../../config/names/scope.ts';
import { chosenBy } from '../../config/names/wildcard.ts';
import { cardinalitySelector } from '../cardinality.ts';
import type { CreatedReader, ReaderContext } from '../reader.ts';
import { RecurringErrors } from '../recurring-errors.ts';
import { Collection, type CollectionContext } from './collection.ts';
import { PrometheusServer } from './http/server.ts';
import type { Label, Naming } from './page/family.ts';
import type { PageFormat } from './page/format.ts';
import { attributeLabels, scopeLabels } from './page/own/families.ts';
import { defaultGzipLevel, type Page } from './page/page.ts';
import { PagePool } from './page/page-buffer.ts';
import { createPageWriter, type PageWriter } from './page/page-writer.ts';

/** Starts to listen; rejects with MeterError where the address or the web configuration can't be used. */
export async function createPrometheusReader(
  config: PrometheusReaderConfig,
  context: ReaderContext,
): Promise<CreatedReader> {
  const reader = new PrometheusReader(config, context);
  const url = await reader.listen();
  return { reader, describe: url };
}

/**
 * Serves metrics to scrapers, each in the format that it asks for. Map-fed series are written straight from the tables'
 * bytes and cells; the exporter's own instruments, which are few, go through MetricReader.collect.
 */
export class PrometheusReader extends MetricReader {
  readonly #config: PrometheusReaderConfig;
  readonly #context: ReaderContext;
  readonly #server: PrometheusServer;
  readonly #bound = Promise.withResolvers<void>();
  readonly #writers = new Map<string, Promise<PageWriter>>();
  readonly #collectionContext: CollectionContext;
  #began = 0;
  #current: { sequence: number; collection: Collection } | undefined;

  constructor(config: PrometheusReaderConfig, context: ReaderContext) {
    super({ cardinalitySelector: cardinalitySelector(config.cardinalityLimits) });
    this.#config = config;
    this.#context = context;
    const ownErrors = new RecurringErrors(context.log, 'own metrics');
    this.#collectionContext = {
      targetInfo: config.targetInfo,
      scopeInfo: config.scopeInfo,
      resourceLabels: resourceLabels(config, context),
      gzipLevel: config.gzipLevel ?? defaultGzipLevel,
      pool: new PagePool(),
      hold: () => context.store.hold(),
      written: () => context.health.collected('prometheus', (performance.now() - this.#began) / 1000),
      created: () => context.store.clock.created(context.store.clock.origin),
      collect: () => this.collect(),
      failed: (errors) => ownErrors.report(errors),
    };
    this.#server = new PrometheusServer({ ...config, ...context, page: (format, signal) => this.page(format, signal) });
  }

  /** The URL of the metrics. */
  listen(): Promise<string> {
    return this.#server.listen(this.#config.host, this.#config.port);
  }

  /**
   * Collects and writes one page; calls that come before the maps are read share one collection, and one page where they
   * want the same format. The caller releases it. Rejects where the collection as a whole failed, and with the signal's
   * reason where that is aborted while something remains to be done.
   */
  async page(format: PageFormat, signal?: AbortSignal): Promise<Page> {
    // Another reader may still be starting, and only then comes the MeterProvider.
    await this.#bound.promise;
    const writer = await this.#writer(format);
    const began = performance.now();
    signal?.throwIfAborted();
    const { sequence } = await this.#context.store.read();
    signal?.throwIfAborted();
    if (this.#current?.sequence !== sequence) {
      this.#began = began;
      this.#current = { sequence, collection: new Collection(this.#collectionContext) };
    }
    return this.#current.collection.page(writer);
  }

  /** Made when first asked for. */
  #writer({ syntax, escaping }: PageFormat): Promise<PageWriter> {
    const { translation, scopeInfo } = this.#config;
    // Translated names are the same to scrapers that take UTF-8.
    const isEscaped = escaping === 'allow-utf-8' && !keepsUtf8(this.#config);
    const naming: Naming = {
      translation,
      escaping: isEscaped ? 'underscores' : escaping,
      constant: [
        ...(scopeInfo ? scopeLabels({ name: scopeName, version: this.#context.version }) : []),
        ...this.#collectionContext.resourceLabels,
      ],
    };
    const key = `${syntax} ${naming.escaping}`;
    let writer = this.#writers.get(key);
    if (writer === undefined) {
      writer = createPageWriter(syntax, this.#context.tables, naming);
      this.#writers.set(key, writer);
      // What failed for want of a file descriptor may work the next time.
      writer.catch(() => this.#writers.delete(key));
    }
    return writer;
  }

  protected override onInitialized(): void {
    this.#bound.resolve();
  }

  protected override async onForceFlush(): Promise<void> {}

  protected override async onShutdown(): Promise<void> {
    await this.#server.close();
  }
}

function resourceLabels(config: PrometheusReaderConfig, { resource }: ReaderContext): readonly Label[] {
  if (config.resourceLabels === undefined) return [];
  const isWanted = chosenBy(config.resourceLabels);
  return attributeLabels(resource).filter(([name]) => isWanted(name));
}
