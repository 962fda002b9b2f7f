import { writeSync } from 'node:fs';

/** How long whoever reads a pipe is waited for until there is room again, in ms; nothing else happens meanwhile. */
const PATIENCE_MS = 100;

/** What a text could not be written for, with how many of its bytes were. */
export interface WriteError extends NodeJS.ErrnoException {
  written: number;
}

/**
 * Writes the whole text to a file descriptor at once; throws WriteError where that is not possible.
 * process.stdout and process.stderr would end the process where a disk is full or nobody reads a pipe any more, and write
 * nothing more where there is room again.
 */
export function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  let waited = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || waited++ >= PATIENCE_MS) {
        throw Object.assign(error as NodeJS.ErrnoException, { written });
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
