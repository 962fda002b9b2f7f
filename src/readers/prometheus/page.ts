import { gzip } from 'node:zlib';
import type { PageBuffer } from './page-buffer.ts';

/**
 * Level 1: a third of level 6's time for a page a tenth longer. A window of 8 KiB finds nearly all that 32 KiB do, since
 * lines repeat the line before, in a tenth less time. Chunks of zlib's own 16 KiB would cost half a millisecond more.
 */
const GZIP = { level: 1, windowBits: 13, memLevel: 9, chunkSize: 64 * 1024 };

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
      gzip(this.text, GZIP, (error, bytes) => {
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
