import { describe, LibbpfError } from './error.ts';
import { errno, libc, memoryAt, type Pointer } from './library.ts';

/** asm-generic/mman-common.h; x86-64 and arm64 have the same. */
const protRead = 1;
const protWrite = 2;
const mapShared = 1;
const mapFailed = 0xffff_ffff_ffff_ffffn;

const mmapNative = libc<
  (address: null, length: number, protection: number, flags: number, fd: number, offset: number) => Pointer | null
>('void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)');
const munmapNative = libc<(address: Pointer, length: number) => number>('int munmap(void *address, size_t length)');

/** Live memory of a map: it changes while it is looked at. */
export interface MappedMemory extends Disposable {
  /** Must not be touched after the disposal. */
  readonly words: BigUint64Array;
}

/**
 * Maps a map's memory, read only unless `writable`: an ARRAY with BPF_F_MMAPABLE, a data section, or a RINGBUF from `offset` on.
 * `size` is in bytes, a multiple of 8; `offset` of the page. Throws MeterError('map').
 */
export function mapMemory(subject: string, fd: number, size: number, writable = false, offset = 0): MappedMemory {
  const address = mmapNative(null, size, writable ? protRead | protWrite : protRead, mapShared, fd, offset);
  if (address === null || BigInt.asUintN(64, address) === mapFailed) {
    throw describe('map', subject, new LibbpfError('mmap', errno(), []));
  }
  let mapped = true;
  return {
    words: new BigUint64Array(memoryAt(address, size)),
    [Symbol.dispose]() {
      if (mapped) munmapNative(address, size);
      mapped = false;
    },
  };
}
