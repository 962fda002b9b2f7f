import { MeterError } from '../errors.ts';
import { writeAll } from '../write-all.ts';

/**
 * Writes what was asked for to standard output. Who reads no more, as `head` does, has had enough.
 * Throws MeterError('environment') where it can't be written, as on a full disk.
 */
export function print(text: string): void {
  try {
    writeAll(1, text, Infinity);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'EPIPE') return;
    throw new MeterError('environment', `standard output: ${message}`, { cause });
  }
}
