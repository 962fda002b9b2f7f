import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import type { PageSyntax } from '../../../config/exporter/configuration.ts';
import type { ScrapeRejection } from '../../../metrics/tallies.ts';
import { longestMs } from '../../../timer.ts';
import type { ReaderLog } from '../../reader.ts';
import { negotiateEncoding } from '../page/encoding.ts';
import { negotiateFormat, type PageFormat } from '../page/format.ts';
import type { Page } from '../page/page.ts';
import type { Exchange } from './exchange.ts';
import { HeldPages } from './held-pages.ts';
import { begin, PLAIN, send } from './send.ts';
import { Slots } from './slots.ts';

/** Scrapes that are collected for at once, unless set. */
const defaultMaxScrapes = 40;

/** Memory for pages that scrapers have not taken yet, unless set: thousands of usual ones. */
const defaultMaxHeldBytes = 64 << 20;

/** Encryption copies what it is given; so much of a page at once. */
const PIECE = 256 << 10;

interface ScrapesOptions {
  /** A finished page, to be released by whoever asked; rejects where the signal says that nobody waits for it any longer. */
  page(format: PageFormat, signal: AbortSignal): Promise<Page>;
  readonly log: ReaderLog;
  readonly maxScrapes?: number | undefined;
  readonly maxHeldBytes?: number | undefined;
  readonly formats?: readonly PageSyntax[] | undefined;
  rejected(reason: ScrapeRejection): void;
}

/** Answers to GET /metrics. */
export class Scrapes {
  readonly #options: ScrapesOptions;
  readonly #most: number;
  readonly #slots: Slots;
  readonly #held: HeldPages;
  #failing = false;

  constructor(options: ScrapesOptions) {
    const { maxScrapes = defaultMaxScrapes, maxHeldBytes = defaultMaxHeldBytes, rejected } = options;
    this.#options = options;
    this.#most = maxScrapes;
    this.#slots = new Slots(maxScrapes);
    this.#held = new HeldPages({ mostBytes: maxHeldBytes, rejected });
  }

  async answer(exchange: Exchange): Promise<void> {
    const { taken, from } = this.#slots.take(exchange);
    if (from !== undefined) this.#turnAway(from);
    if (!taken) return this.#turnAway(exchange);
    exchange.whenOver(() => this.#slots.free(exchange));
    try {
      await this.#write(exchange);
    } finally {
      this.#slots.free(exchange);
    }
  }

  #turnAway(exchange: Exchange): void {
    if (!exchange.isOpen) return;
    this.#options.rejected('overload');
    exchange.response.setHeader('retry-after', '1');
    send(exchange.response, 503, PLAIN, `${this.#most} scrapes are being answered already; try again.\n`);
  }

  async #write(exchange: Exchange): Promise<void> {
    const { request, response, signal } = exchange;
    let page: Page | undefined;
    try {
      const format = negotiateFormat(request.headers.accept, this.#options.formats);
      page = await this.#options.page(format, signal);
      const encoding = negotiateEncoding(request.headers['accept-encoding']);
      const body = encoding === undefined ? page.bytes : await page.compressed(encoding, signal);
      // The scraper has gone, or was told that it takes too long, or that others need the slot.
      if (!exchange.isOpen) return;
      response.setHeader('vary', 'accept, accept-encoding');
      if (encoding !== undefined) response.setHeader('content-encoding', encoding);
      else {
        // What the socket has not sent yet is still read from the page's buffer, even after the process is done with it.
        const sent = page;
        sent.retain();
        exchange.whenOver(() => sent.release());
      }
      this.#held.hold(exchange, body);
      if ((request.socket as Partial<TLSSocket>).encrypted !== true) send(response, 200, format.contentType, body);
      else void sendInPieces(exchange, format.contentType, body);
      if (this.#failing) this.#options.log.info('collection: works again');
      this.#failing = false;
    } catch (error) {
      this.fail(exchange, error);
    } finally {
      page?.release();
    }
  }

  /** Answers with what has failed; it is counted, logged once, and tried again with the next request. */
  fail(exchange: Exchange, error: unknown): void {
    // Nobody waits for it any longer, which may be all that has failed.
    if (exchange.isOver) return;
    const cause = error instanceof Error ? error.message : String(error);
    this.#options.rejected('failed');
    if (!this.#failing) this.#options.log.warn(`collection: ${cause}`);
    this.#failing = true;
    if (exchange.isOpen) send(exchange.response, 500, PLAIN, `The collection failed: ${cause}\n`);
  }
}

/** Never rejects: what fails is the connection, which ends the exchange. */
async function sendInPieces({ response, signal }: Exchange, type: string, body: Buffer): Promise<void> {
  begin(response, 200, type, body.length);
  try {
    for (let at = 0; at < body.length; at += PIECE) {
      if (!response.write(body.subarray(at, at + PIECE))) await once(response, 'drain', { signal });
    }
    response.end();
  } catch {
    response.destroy();
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
