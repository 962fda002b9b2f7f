import { pageSize } from '../kernel/page-size.ts';
import { mapMemory } from './mmap.ts';

/** Of a record's header, the u32 in front: its bytes, and whether it is still being written (BPF_RINGBUF_BUSY_BIT of bpf.h). */
const busyBit = 0x8000_0000;
const lengthBits = 0x3fff_ffff;
const headerBytes = 8;

/** A map of the type RINGBUF, whose records nobody wants. */
interface RingBuffer extends Disposable {
  /** Gives all records back that are written, so that there is room for others; returns how many there were. */
  discard(): number;
}

/**
 * Maps a ring buffer with room for `bytes`. Its first page holds how far it was read, the second how far it was written, the data
 * follow. Source: Documentation/bpf/ringbuf.rst; __bpf_ringbuf_reserve of kernel/bpf/ringbuf.c. Throws MeterError('map').
 */
export function openRingBuffer(subject: string, fd: number, bytes: number): RingBuffer {
  using stack = new DisposableStack();
  const page = pageSize();
  const { words: read } = stack.use(mapMemory(subject, fd, page, true));
  const { words: written } = stack.use(mapMemory(subject, fd, page + bytes, false, page));
  const headers = new Uint32Array(written.buffer, page, bytes / 4);
  const mapped = stack.move();
  return {
    discard() {
      const end = Atomics.load(written, 0);
      let at = read[0]!;
      let count = 0;
      for (; at < end; count++) {
        const header = Atomics.load(headers, Number(at % BigInt(bytes)) / 4);
        if ((header & busyBit) !== 0) break;
        // Records begin at multiples of 8.
        at += BigInt(Math.ceil(((header & lengthBits) + headerBytes) / 8) * 8);
      }
      Atomics.store(read, 0, at);
      return count;
    },
    [Symbol.dispose]: () => mapped.dispose(),
  };
}
