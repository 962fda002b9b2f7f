import type { Exchange } from './exchange.ts';

/**
 * So many scrapes may be collected for at once. When all slots are taken, a client that has at least two fewer than another
 * one gets the last of that one's, so that nobody takes them all.
 */
export class Slots {
  readonly #most: number;
  /** In the order of their coming. */
  readonly #holders = new Set<Exchange>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether there is one, and who had to give it up; `free` gives it back. */
  take(exchange: Exchange): { readonly taken: boolean; readonly from?: Exchange } {
    if (this.#holders.size < this.#most) {
      this.#holders.add(exchange);
      return { taken: true };
    }
    const counts = new Map<string, number>();
    for (const { client } of this.#holders) counts.set(client, (counts.get(client) ?? 0) + 1);
    let from: Exchange | undefined;
    for (const holder of this.#holders) {
      if (from === undefined || counts.get(holder.client)! >= counts.get(from.client)!) from = holder;
    }
    if (from === undefined || counts.get(from.client)! < (counts.get(exchange.client) ?? 0) + 2)
      return { taken: false };
    this.#holders.delete(from);
    this.#holders.add(exchange);
    return { taken: true, from };
  }

  free(exchange: Exchange): void {
    this.#holders.delete(exchange);
  }
}
