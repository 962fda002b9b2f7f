import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';
import type { Encoding } from './encoding.ts';
import { Turns } from './turns.ts';

const zstdParameters = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: 17 };

const gzipped = promisify(gzip);
const zstandard = promisify(zstdCompress);

/**
 * Half of libuv's threads, which files need too. What waits is begun only if somebody still wants it: scrapers that go away
 * would else leave a queue behind that the next ones wait for.
 */
const turns = new Turns(2);

/**
 * Compresses on a thread of libuv's pool; `gzipLevel` is 1 to 9. Gzip's window is 8 KiB, which finds nearly all that
 * 32 KiB do, since lines repeat the line before, in a quarter of the memory. Zstandard's level is its fastest regular
 * one, with a window of 128 KiB for the same reason: half of gzip's time for a smaller page.
 * Rejects with the signal's reason where it is aborted before the work has begun.
 */
export function compress(bytes: Buffer, encoding: Encoding, gzipLevel: number, signal: AbortSignal): Promise<Buffer> {
  return turns.run(() => compressNow(bytes, encoding, gzipLevel), signal);
}

function compressNow(bytes: Buffer, encoding: Encoding, gzipLevel: number): Promise<Buffer> {
  // Pages shrink to an eighth. Each chunk is a way to the thread and back, so one is to hold it all.
  const chunkSize = Math.max(32 * 1024, Math.ceil(bytes.length / 6));
  // Tables of memLevel 9 are twice as large, and take a twentieth longer.
  if (encoding === 'gzip') return gzipped(bytes, { level: gzipLevel, windowBits: 13, memLevel: 8, chunkSize });
  return zstandard(bytes, { params: zstdParameters, chunkSize });
}
