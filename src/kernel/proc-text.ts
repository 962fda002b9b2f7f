import { closeSync, openSync, readSync } from 'node:fs';

/** Room for some 350,000 symbols at first; what isn't used takes no memory. */
const TEXT_BYTES = 16 << 20;
const READ_BYTES = 1 << 16;

/**
 * The bytes of a large file of /proc, whose size is said to be 0, in one buffer: readFileSync's pieces and their sum would
 * leave three times as much behind. Throws what the system calls throw.
 */
export function readProcText(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    let text = Buffer.allocUnsafeSlow(TEXT_BYTES);
    let length = 0;
    for (;;) {
      if (text.length - length < READ_BYTES) text = Buffer.concat([text], text.length * 2);
      const bytes = readSync(file, text, length, READ_BYTES, null);
      if (bytes === 0) return text.subarray(0, length);
      length += bytes;
    }
  } finally {
    closeSync(file);
  }
}
