import { readFileSync, statSync } from 'node:fs';

/**
 * Throws where the path leads to a pipe: opening one waits, for ever, until somebody writes to it, and what was read once is
 * gone. Throws what stat(2) throws, too.
 */
export function refusePipe(path: string): void {
  if (statSync(path).isFIFO()) throw new Error('a pipe, not a file');
}

/** The bytes of a file that a user names. Throws what the system calls throw, and where it is a pipe. */
export function readUserFile(path: string): Buffer {
  refusePipe(path);
  return readFileSync(path);
}
