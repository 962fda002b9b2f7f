import type { Encoding } from './encoding.ts';
import type { PageBuffer } from './page-buffer.ts';

/** 1 to 9. A third of level 6's time for a page a tenth longer. */
export const defaultGzipLevel = 1;

/** One finished page, shared by the scrapes that came together; its buffer goes back to the pool when the last is done. */
export class Page {
  readonly #buffer: PageBuffer;
  readonly #gzipLevel: number;
  readonly #compressed = new Map<Encoding, Promise<Buffer>>();
  #users = 1;

  /** The maker is the first user and must release it too. */
  constructor(buffer: PageBuffer, gzipLevel = defaultGzipLevel) {
    this.#buffer = buffer;
    this.#gzipLevel = gzipLevel;
  }

  /** Valid until release. */
  get bytes(): Buffer {
    return this.#buffer.bytes.subarray(0, this.#buffer.length);
  }

  /** Compressed once for all users. */
  compressed(encoding: Encoding): Promise<Buffer> {
    let made = this.#compressed.get(encoding);
    if (made === undefined) {
      made = this.#compress(encoding);
      this.#compressed.set(encoding, made);
    }
    return made;
  }

  async #compress(encoding: Encoding): Promise<Buffer> {
    this.retain();
    try {
      const { compress } = await import('./compress.ts');
      return await compress(this.bytes, encoding, this.#gzipLevel);
    } finally {
      this.release();
    }
  }

  retain(): void {
    this.#users++;
  }

  release(): void {
    if (--this.#users > 0) return;
    this.#buffer.release();
    this.#compressed.clear();
  }
}
