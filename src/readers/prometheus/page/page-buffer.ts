/** Buffers kept for the next pages; more are left to the garbage collector. */
const KEPT = 2;

/**
 * Lends the buffers that pages are written into. A buffer belongs to its page until the last response that sends it is
 * finished or closed: given back earlier, a slow scraper would get half of one page and half of the next.
 */
export class PagePool {
  #free: Buffer[] = [];

  /** A buffer of at least so many bytes. */
  take(bytes: number): Buffer {
    const index = this.#free.findIndex((buffer) => buffer.length >= bytes);
    if (index >= 0) return this.#free.splice(index, 1)[0]!;
    this.#free.pop();
    // A page grows a little with its numbers; a buffer of just this size would be too small for the next.
    return Buffer.allocUnsafeSlow(Math.ceil(bytes * 1.25));
  }

  give(buffer: Buffer): void {
    if (this.#free.length < KEPT) this.#free.push(buffer);
  }
}

/** A growing page. */
export class PageBuffer {
  bytes: Buffer;
  length = 0;
  readonly #pool: PagePool;

  /** `expected` bytes, best the length of the last page. */
  constructor(pool: PagePool, expected: number) {
    this.#pool = pool;
    this.bytes = pool.take(Math.max(4096, expected));
  }

  /** Makes room for so many bytes behind `length`. */
  reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.bytes.length) return;
    const grown = this.#pool.take(Math.ceil(needed * 1.25));
    this.bytes.copy(grown, 0, 0, this.length);
    this.#pool.give(this.bytes);
    this.bytes = grown;
  }

  /** Appends UTF-8 text; for what is short or written once per page. */
  text(text: string): void {
    this.reserve(text.length * 3);
    this.length += this.bytes.write(text, this.length, 'utf8');
  }

  /** Appends bytes; for what is written once per page. */
  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  release(): void {
    this.#pool.give(this.bytes);
  }
}
