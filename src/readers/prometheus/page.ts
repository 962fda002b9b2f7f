import { gzip } from 'node:zlib';
import type { PageBuffer } from './page-buffer.ts';

/**
 * Level 1: a third of level 6's time for a page a tenth longer. A window of 8 KiB finds nearly all that 32 KiB do, since
 * lines repeat the line before, in a tenth less time.
 */
const GZIP = { level: 1, windowBits: 13, memLevel: 9 };

/** One finished page, shared by the scrapes that came together; its buffer goes back to the pool when the last is done. */
export class Page {
  readonly #buffer: PageBuffer;
  #users = 1;
  #compressed: Promise<Buffer> | undefined;

  /** The maker is the first user and must release it too. */
  constructor(buffer: PageBuffer) {
    this.#buffer = buffer;
  }

  /** Valid until release. */
  get text(): Buffer {
    return this.#buffer.bytes.subarray(0, this.#buffer.length);
  }

  /** Compressed on a thread of libuv's pool, once for all users. */
  gzipped(): Promise<Buffer> {
    this.#compressed ??= new Promise((resolve, reject) => {
      this.retain();
      const { text } = this;
      // Pages shrink to an eighth. Each chunk is a way to the thread and back, so one is to hold it all.
      const chunkSize = Math.max(32 * 1024, Math.ceil(text.length / 6));
      gzip(text, { ...GZIP, chunkSize }, (error, bytes) => {
        this.release();
        if (error) reject(error);
        else resolve(bytes);
      });
    });
    return this.#compressed;
  }

  retain(): void {
    this.#users++;
  }

  release(): void {
    if (--this.#users > 0) return;
    this.#buffer.release();
    this.#compressed = undefined;
  }
}
