import type { Encoding } from './encoding.ts';
import type { PageBuffer } from './page-buffer.ts';
import { Wanted } from './wanted.ts';

/** 1 to 9. A third of level 6's time for a page a tenth longer. */
export const defaultGzipLevel = 1;

interface Compression {
  readonly bytes: Promise<Buffer>;
  readonly wanted: Wanted;
}

/** One finished page, shared by the scrapes that came together; its buffer goes back to the pool when the last is done. */
export class Page {
  readonly #buffer: PageBuffer;
  readonly #gzipLevel: number;
  readonly #compressed = new Map<Encoding, Compression>();
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

  /** Compressed once for all users; rejects where the signals of all were aborted before it was begun. */
  compressed(encoding: Encoding, signal?: AbortSignal): Promise<Buffer> {
    let made = this.#compressed.get(encoding);
    if (made === undefined || made.wanted.signal.aborted) {
      const wanted = new Wanted();
      made = { wanted, bytes: this.#compress(encoding, wanted.signal) };
      this.#compressed.set(encoding, made);
    }
    made.wanted.add(signal);
    return made.bytes;
  }

  async #compress(encoding: Encoding, signal: AbortSignal): Promise<Buffer> {
    this.retain();
    try {
      const { compress } = await import('./compress.ts');
      return await compress(this.bytes, encoding, this.#gzipLevel, signal);
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
