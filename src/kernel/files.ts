import { readdirSync, readFileSync } from 'node:fs';

/** Above any pool of node's, whose memory is others' too. */
const leastBytes = 1 << 17;

/** Names in a folder; none where it isn't there or can't be read. */
export function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A file's bytes, read as `read` does it; none where that fails. */
export function readOrEmpty(path: string, read: (path: string) => Buffer = (file) => readFileSync(file)): Buffer {
  try {
    return read(path);
  } catch {
    return Buffer.alloc(0);
  }
}

/**
 * Gives megabytes back at once: the garbage collector, which sees only a small object, might leave them for hours. Small
 * buffers are left to it. Nothing may be read of it afterwards.
 */
export function giveBack({ buffer }: ArrayBufferView): void {
  if (buffer.byteLength >= leastBytes) (buffer as ArrayBuffer).transfer(0);
}
