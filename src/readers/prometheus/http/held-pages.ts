import type { ScrapeRejection } from '../../../metrics/tallies.ts';
import type { Exchange } from './exchange.ts';

/** Pages of that size may be held at once whatever the limit says, so that scrapers of large ones come through. */
const LEAST_PAGES = 4;

interface HeldPagesOptions {
  /** Bytes that pages may take in memory while scrapers take them. */
  readonly mostBytes: number;
  rejected(reason: ScrapeRejection): void;
}

/**
 * What scrapers have been sent and not taken yet. One that takes its page slowly keeps the page in memory, and the next
 * reading makes another one. Where that gets too much, the client that holds the most loses its oldest answer.
 */
export class HeldPages {
  readonly #options: HeldPagesOptions;
  /** In the order of their coming, with the memory that each refers to. */
  readonly #exchanges = new Map<Exchange, ArrayBufferLike>();
  /** How many refer to it. */
  readonly #users = new Map<ArrayBufferLike, number>();
  #bytes = 0;

  constructor(options: HeldPagesOptions) {
    this.#options = options;
  }

  /** Bytes in memory; what several scrapers take counts once. */
  get bytes(): number {
    return this.#bytes;
  }

  /** To be called before the page is sent. */
  hold(exchange: Exchange, { buffer }: Buffer): void {
    const users = this.#users.get(buffer) ?? 0;
    if (users === 0) this.#bytes += buffer.byteLength;
    this.#users.set(buffer, users + 1);
    this.#exchanges.set(exchange, buffer);
    exchange.sends();
    exchange.whenOver(() => this.#release(exchange));
    const most = Math.max(this.#options.mostBytes, LEAST_PAGES * buffer.byteLength);
    while (this.#bytes > most) {
      const slow = this.#oldestOfTheGreediest(exchange);
      if (slow === undefined) return;
      this.#options.rejected('slow');
      slow.breakOff();
      // It is over only when the connection has closed.
      this.#release(slow);
    }
  }

  #release(exchange: Exchange): void {
    const buffer = this.#exchanges.get(exchange);
    if (buffer === undefined) return;
    this.#exchanges.delete(exchange);
    const users = this.#users.get(buffer)! - 1;
    if (users > 0) {
      this.#users.set(buffer, users);
      return;
    }
    this.#users.delete(buffer);
    this.#bytes -= buffer.byteLength;
  }

  #oldestOfTheGreediest(newest: Exchange): Exchange | undefined {
    const held = new Map<string, number>();
    for (const [{ client }, { byteLength }] of this.#exchanges) held.set(client, (held.get(client) ?? 0) + byteLength);
    let oldest: Exchange | undefined;
    for (const exchange of this.#exchanges.keys()) {
      if (exchange === newest) continue;
      if (oldest === undefined || held.get(exchange.client)! > held.get(oldest.client)!) oldest = exchange;
    }
    return oldest;
  }
}
