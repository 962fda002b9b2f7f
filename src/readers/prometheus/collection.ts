import type { HrTime } from '@opentelemetry/api';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { Label } from './page/family.ts';
import { type OwnFamily, ownFamilies } from './page/own/families.ts';
import { Page } from './page/page.ts';
import { PageBuffer, type PagePool } from './page/page-buffer.ts';
import type { PageWriter } from './page/page-writer.ts';

/** What a collection needs of its reader. */
export interface CollectionContext {
  readonly pool: PagePool;
  readonly gzipLevel: number;
  readonly targetInfo: boolean;
  readonly scopeInfo: boolean;
  /** Of the resource's attributes those that every series has. */
  readonly resourceLabels: readonly Label[];
  /** Puts the next reading of the maps off. */
  hold(): Disposable;
  /** The map-fed series of the first page have been written. */
  written(): void;
  /** When the exporter's own instruments began to count, on the wall clock as it is now. */
  created(): HrTime;
  /** What they tell. */
  collect(): Promise<{ resourceMetrics: ResourceMetrics; errors: readonly unknown[] }>;
  /** All that failed in this collection. */
  failed(errors: readonly unknown[]): void;
}

/** One reading of the maps and the pages that are made of it: one for each format that somebody asked for. */
export class Collection {
  readonly #context: CollectionContext;
  readonly #pages = new Map<PageWriter, Promise<Page>>();
  #own: ReturnType<CollectionContext['collect']> | undefined;

  constructor(context: CollectionContext) {
    this.#context = context;
  }

  /**
   * The page that this writer makes, to be released by the caller. To be called in the same turn of the event loop as
   * the reading; rejects where the collection as a whole failed.
   */
  async page(writer: PageWriter): Promise<Page> {
    let made = this.#pages.get(writer);
    if (made === undefined) {
      made = this.#make(writer);
      this.#pages.set(writer, made);
    }
    const page = await made;
    page.retain();
    return page;
  }

  async #make(writer: PageWriter): Promise<Page> {
    const buffer = new PageBuffer(this.#context.pool, writer.expectedBytes);
    try {
      {
        // Begun before anything is awaited, since the next reading changes the tables.
        using _ = this.#context.hold();
        await writer.series(buffer);
      }
      writer.end(buffer, await this.#ownFamilies(writer));
    } catch (error) {
      buffer.release();
      throw error;
    }
    writer.expectedBytes = buffer.length;
    const page = new Page(buffer, this.#context.gzipLevel);
    // Whoever waits for it takes it in this turn, maybe after the first has given it back already.
    setImmediate(() => page.release());
    return page;
  }

  async #ownFamilies({ naming }: PageWriter): Promise<readonly OwnFamily[]> {
    const isFirst = this.#own === undefined;
    if (isFirst) this.#context.written();
    this.#own ??= this.#context.collect();
    const { resourceMetrics, errors } = await this.#own;
    const own = ownFamilies(resourceMetrics, naming, this.#context, this.#context.created());
    if (isFirst) this.#context.failed([...errors, ...own.errors]);
    return own.families;
  }
}
