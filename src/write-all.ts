import { constants, fstatSync, openSync, writeSync } from 'node:fs';

/** How long whoever reads a pipe is waited for until there is room again, in ms; nothing else happens meanwhile. */
const PATIENCE_MS = 100;

/** What a text could not be written for, with how many of its bytes were. */
export interface WriteError extends NodeJS.ErrnoException {
  written: number;
}

/**
 * Writes texts to a file descriptor of this process's own, stdout or stderr. Of a pipe that nobody empties it waits `patience`,
 * in ms, for room, and no more until there was some: each text is written as a whole, or throws WriteError.
 */
export function writerTo(fd: number, patience = PATIENCE_MS): (text: string) => void {
  let own: number | undefined;
  let waits = patience;
  return (text) => {
    own ??= withoutWaiting(fd);
    try {
      writeAll(own, text, waits);
      waits = patience;
    } catch (error) {
      if ((error as WriteError).code === 'EAGAIN') waits = 0;
      throw error;
    }
  };
}

/**
 * Writes the whole text to a file descriptor at once; throws WriteError where that is not possible.
 * process.stdout and process.stderr would end the process where a disk is full or nobody reads a pipe any more, and write
 * nothing more where there is room again. `patience` is how long, in ms, no room is waited for where it says EAGAIN.
 */
export function writeAll(fd: number, text: string, patience = PATIENCE_MS): void {
  const bytes = Buffer.from(text);
  let written = 0;
  let waited = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written);
      waited = 0;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || waited++ >= patience) {
        throw Object.assign(error as NodeJS.ErrnoException, { written });
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/**
 * A pipe opened once more, so that writing doesn't block: O_NONBLOCK on the descriptor that was handed over would hold for all
 * who write to it. Anything else as it is, and where it can't be opened.
 */
function withoutWaiting(fd: number): number {
  try {
    if (!fstatSync(fd).isFIFO()) return fd;
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return fd;
  }
}
