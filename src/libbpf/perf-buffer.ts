import { pageSize } from '../kernel/page-size.ts';
import { pointerOrThrow, resultOrThrow } from './error.ts';
import { libbpf, memoryAt, type Pointer } from './library.ts';

const create = libbpf<
  (map: number, pages: number, sample: null, lost: null, context: null, options: null) => Pointer | null
>('void *perf_buffer__new(int map_fd, size_t page_cnt, void *sample_cb, void *lost_cb, void *ctx, void *opts)');
const free = libbpf<(buffer: Pointer) => void>('void perf_buffer__free(void *pb)');
const bufferCount = libbpf<(buffer: Pointer) => number>('size_t perf_buffer__buffer_cnt(void *pb)');
const bufferAt = libbpf<(buffer: Pointer, index: number, address: BigUint64Array, size: BigUint64Array) => number>(
  'int perf_buffer__buffer(void *pb, int buf_idx, void *buf, void *buf_size)',
);

/** data_head and data_tail of struct perf_event_mmap_page in include/uapi/linux/perf_event.h, in words of 8 bytes. */
const headWord = 1024 / 8;
const tailWord = headWord + 1;
/** PERF_RECORD_LOST and PERF_RECORD_SAMPLE there, with struct perf_event_header in front. */
const lostRecord = 2;
const sampleRecord = 9;
const headerBytes = 8;

/** What a BPF program writes with bpf_perf_event_output, of all CPUs that were online when it was opened. */
export interface PerfBuffer extends Disposable {
  /**
   * Takes everything that is there: `onRecord` gets each record's bytes, which it must not keep, with up to 7 bytes of padding
   * behind them, in the order of its CPU. Returns how many were lost since the last time for want of room, which the kernel
   * tells with the next record that has room.
   */
  consume(onRecord: (record: Buffer) => void): number;
}

/**
 * Opens the ring buffers behind a map of the type PERF_EVENT_ARRAY: `pages`, a power of two, for each CPU.
 * Throws MeterError('load') without the right to (CAP_PERFMON), or without memory.
 */
export function openPerfBuffer(subject: string, mapFd: number, pages: number): PerfBuffer {
  let pointer: Pointer | undefined = pointerOrThrow('load', subject, 'perf_buffer__new', () =>
    create(mapFd, pages, null, null, null, null),
  );
  const rings: Ring[] = [];
  try {
    const count = Number(bufferCount(pointer));
    for (let index = 0; index < count; index++) rings.push(ringAt(subject, pointer, index));
  } catch (error) {
    free(pointer);
    throw error;
  }
  return {
    consume: (onRecord) => rings.reduce((lost, ring) => lost + consumeRing(ring, onRecord), 0),
    [Symbol.dispose]() {
      if (pointer === undefined) return;
      rings.length = 0;
      free(pointer);
      pointer = undefined;
    },
  };
}

/** One CPU's memory, shared with the kernel. */
interface Ring {
  /** The first page. */
  readonly control: BigUint64Array;
  readonly data: Buffer;
}

function ringAt(subject: string, buffer: Pointer, index: number): Ring {
  const address = new BigUint64Array(1);
  const size = new BigUint64Array(1);
  resultOrThrow('load', subject, 'perf_buffer__buffer', () => bufferAt(buffer, index, address, size));
  const page = pageSize();
  const memory = memoryAt(address[0]!, page + Number(size[0]));
  return { control: new BigUint64Array(memory, 0, page / 8), data: Buffer.from(memory, page) };
}

/** The kernel writes behind data_head, which never goes back, and stops before data_tail, which is ours to move. */
function consumeRing({ control, data }: Ring, onRecord: (record: Buffer) => void): number {
  // Atomic, since the records must not be read before the head, nor given back before they were read.
  const head = Atomics.load(control, headWord);
  let tail = control[tailWord]!;
  let lost = 0;
  while (tail < head) {
    const at = Number(tail % BigInt(data.length));
    // Records are multiples of 8 bytes, so a header never wraps.
    const type = data.readUInt32LE(at);
    const size = data.readUInt16LE(at + 6);
    if (size < headerBytes) break;
    const record = bytesAt(data, at, size);
    if (type === lostRecord) lost += Number(record.readBigUInt64LE(headerBytes + 8));
    else if (type === sampleRecord) {
      const length = record.readUInt32LE(headerBytes);
      onRecord(record.subarray(headerBytes + 4, headerBytes + 4 + length));
    }
    tail += BigInt(size);
  }
  Atomics.store(control, tailWord, tail);
  return lost;
}

/** Bytes of a ring, in one piece. */
function bytesAt(data: Buffer, at: number, size: number): Buffer {
  const end = at + size;
  if (end <= data.length) return data.subarray(at, end);
  return Buffer.concat([data.subarray(at), data.subarray(0, end - data.length)]);
}
