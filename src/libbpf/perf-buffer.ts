import { closeSync } from 'node:fs';
import { pageSize } from '../kernel/page-size.ts';
import { EachCpu, followCpus, type OnCpu } from './each-cpu.ts';
import { update } from './map.ts';
import { mapMemory } from './mmap.ts';
import { enablePerfEvent, openPerfEventIfOnline, readEnabled } from './perf-event.ts';

/** PERF_TYPE_SOFTWARE and PERF_COUNT_SW_BPF_OUTPUT of include/uapi/linux/perf_event.h. */
const output = { type: 1, config: 10n, sampling: { period: 1n }, isRaw: true };

/** data_head and data_tail of struct perf_event_mmap_page in include/uapi/linux/perf_event.h, in words of 8 bytes. */
const headWord = 1024 / 8;
const tailWord = headWord + 1;
/** PERF_RECORD_LOST and PERF_RECORD_SAMPLE there, with struct perf_event_header in front. */
const lostRecord = 2;
const sampleRecord = 9;
const headerBytes = 8;

/** What a BPF program writes with bpf_perf_event_output, of all CPUs; of one that comes online later from when it is noticed. */
export interface PerfBuffer extends Disposable {
  /**
   * Takes everything that is there: `onRecord` gets each record's bytes, which it must not keep, with up to 7 bytes of padding
   * behind them, in the order of its CPU. Returns how many were lost since the last time for want of room, which the kernel
   * tells with the next record that has room.
   */
  consume(onRecord: (record: Buffer) => void): number;
  /** Notices CPUs that came, and those that were gone meanwhile: to be called at each reading. */
  follow(): void;
  /** CPU time, at most, in milliseconds, of which there are no records since a CPU had just come. */
  readonly unwatchedMs: number;
}

/**
 * Opens the ring buffers behind a map of the type PERF_EVENT_ARRAY, which has room for all CPUs: `pages`, a power of two, for
 * each CPU. Throws MeterError('load', 'map') without the right to (CAP_PERFMON), or without memory.
 */
export function openPerfBuffer(subject: string, mapFd: number, pages: number): PerfBuffer {
  using stack = new DisposableStack();
  const rings = stack.use(new EachCpu((cpu) => openRing(subject, mapFd, pages, cpu)));
  stack.use(followCpus(`${subject}: CPUs`, rings));
  const all = stack.move();
  return {
    consume(onRecord) {
      let lost = 0;
      for (const [, ring] of rings) lost += consumeRing(ring, onRecord);
      return lost;
    },
    follow: () => rings.follow(),
    get unwatchedMs() {
      return rings.unwatchedMs;
    },
    [Symbol.dispose]: () => all.dispose(),
  };
}

/** One CPU's memory, shared with the kernel. */
interface Ring extends OnCpu {
  /** The first page. */
  readonly control: BigUint64Array;
  readonly data: Buffer;
}

function openRing(subject: string, mapFd: number, pages: number, cpu: number): Ring | undefined {
  const own = `${subject}: CPU ${cpu}`;
  const fd = openPerfEventIfOnline('load', own, output, cpu, undefined);
  if (fd === undefined) return undefined;
  using stack = new DisposableStack();
  stack.defer(() => closeSync(fd));
  const page = pageSize();
  const { words } = stack.use(mapMemory(own, fd, page * (1 + pages), true));
  update(mapFd, Uint32Array.of(cpu), Uint32Array.of(fd));
  enablePerfEvent('load', own, fd);
  const all = stack.move();
  return {
    control: words.subarray(0, page / 8),
    data: Buffer.from(words.buffer as ArrayBuffer, page),
    enabled: () => readEnabled(own, fd),
    [Symbol.dispose]: () => all.dispose(),
  };
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
