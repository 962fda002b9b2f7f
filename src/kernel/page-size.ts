import { readFileSync } from 'node:fs';

/** AT_PAGESZ of include/uapi/linux/auxvec.h. */
const atPageSize = 6n;

/** Bytes of a page, from a /proc/PID/auxv (proc(5)): pairs of machine words, here of 64 bits. 4096 where it doesn't say. */
export function parsePageSize(auxv: Buffer): number {
  for (let offset = 0; offset + 16 <= auxv.length; offset += 16) {
    if (auxv.readBigUInt64LE(offset) === atPageSize) return Number(auxv.readBigUInt64LE(offset + 8));
  }
  return 4096;
}

/** Bytes of this kernel's pages; arm64 may have 16 or 64 KiB. */
export function pageSize(): number {
  try {
    return parsePageSize(readFileSync('/proc/self/auxv'));
  } catch {
    return 4096;
  }
}
