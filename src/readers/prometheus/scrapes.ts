import type { IncomingMessage, ServerResponse } from 'node:http';
import { longestMs } from '../../config/exporter/defaults.ts';
import type { PageSyntax } from '../../config/exporter.ts';
import type { ScrapeRejection } from '../../metrics/tallies.ts';
import type { ReaderLog } from '../reader.ts';
import { negotiateEncoding } from './encoding.ts';
import { negotiateFormat, type PageFormat } from './format.ts';
import type { Page } from './page.ts';
import { PLAIN, send } from './send.ts';

/** Scrapes that are answered at once, unless set. */
const defaultMaxScrapes = 40;

export interface ScrapesOptions {
  /** A finished page, to be released by whoever asked. */
  page(format: PageFormat): Promise<Page>;
  readonly log: ReaderLog;
  readonly maxScrapes?: number | undefined;
  readonly formats?: readonly PageSyntax[] | undefined;
  rejected(reason: ScrapeRejection): void;
}

/** Answers to GET /metrics. */
export class Scrapes {
  readonly #options: ScrapesOptions;
  #answering = 0;
  #failing = false;

  constructor(options: ScrapesOptions) {
    this.#options = options;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { maxScrapes = defaultMaxScrapes, rejected } = this.#options;
    if (this.#answering >= maxScrapes) {
      rejected('overload');
      response.setHeader('retry-after', '1');
      return send(response, 503, PLAIN, `${maxScrapes} scrapes are being answered already; try again.\n`);
    }
    this.#answering++;
    response.once('close', () => this.#answering--);
    const timeoutMs = scrapeTimeoutMs(request.headers['x-prometheus-scrape-timeout-seconds']);
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            rejected('timeout');
            if (response.headersSent) response.destroy();
            else send(response, 503, PLAIN, 'The scraper would not have waited for the answer any longer.\n');
          }, timeoutMs);
    response.once('close', () => clearTimeout(timer));
    await this.#write(request, response);
  }

  async #write(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let page: Page | undefined;
    try {
      const format = negotiateFormat(request.headers.accept, this.#options.formats);
      page = await this.#options.page(format);
      const encoding = negotiateEncoding(request.headers['accept-encoding']);
      const body = encoding === undefined ? page.bytes : await page.compressed(encoding);
      // The scraper has gone, or was told that it takes too long; its close event may have been, so that nothing would
      // give the page back.
      if (response.destroyed || response.headersSent) return;
      response.setHeader('vary', 'accept, accept-encoding');
      if (encoding !== undefined) response.setHeader('content-encoding', encoding);
      else {
        // What the socket has not sent yet is still read from the page's buffer, even after the process is done with it.
        const sent = page;
        sent.retain();
        response.once('close', () => sent.release());
      }
      send(response, 200, format.contentType, body);
      if (this.#failing) this.#options.log.info('collection: works again');
      this.#failing = false;
    } catch (error) {
      this.fail(response, error);
    } finally {
      page?.release();
    }
  }

  /** Answers with what has failed; it is counted, logged once, and tried again with the next request. */
  fail(response: ServerResponse, error: unknown): void {
    const cause = error instanceof Error ? error.message : String(error);
    this.#options.rejected('failed');
    if (!this.#failing) this.#options.log.warn(`collection: ${cause}`);
    this.#failing = true;
    if (!response.headersSent) send(response, 500, PLAIN, `The collection failed: ${cause}\n`);
  }
}

/**
 * How long an answer may take: what the scraper says that it waits, less a tenth, at most half a second, for the way of
 * the answer. Undefined where it says nothing, or nothing that makes sense.
 */
export function scrapeTimeoutMs(header: string | string[] | undefined): number | undefined {
  const text = String(header ?? '').trim();
  const seconds = /^\d+(?:\.\d+)?(?:e[-+]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (!(seconds > 0)) return undefined;
  return Math.min(seconds * 1000 - Math.min(500, seconds * 100), longestMs);
}
