import { libc } from './library.ts';

const mallocTrim = libc<(pad: number) => number>('int malloc_trim(size_t)');

/**
 * Gives back to the kernel what the C library keeps of freed memory: after loading, the megabytes of vmlinux's BTF that
 * libbpf reads for each object. Source: malloc_trim(3). Nothing happens on musl, which doesn't have it.
 */
export function trimMemory(): void {
  try {
    mallocTrim(0);
  } catch {}
}
