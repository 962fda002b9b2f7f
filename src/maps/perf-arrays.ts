import { inBackground, repeat } from '../background.ts';
import type { PerfArrayPlan } from '../config/plan.ts';
import type { LoadedObject } from '../libbpf/loaded.ts';
import { openPerfBuffer, type PerfBuffer } from '../libbpf/perf-buffer.ts';
import type { LoadedMapReaders } from './readers.ts';
import type { Entries, EntriesReader } from './reading.ts';

/** Of 4 KiB each for every CPU: some 10,000 small records, which may come between two looks. */
const pages = 64;
/** Records are taken out this often, so that scrapes that are minutes apart find room. */
const lookMs = 100;

/** Records that an array's counter has missed. */
interface PerfArrayLoss {
  readonly map: string;
  /** `buffer_full`: not taken out in time; `map_full`: there are too many keys; `short_record`: shorter than the labels. */
  readonly reason: 'buffer_full' | 'map_full' | 'short_record';
  readonly count: number;
}

/** The records of a program's PERF_EVENT_ARRAY maps, counted by key until it is disposed. */
export interface PerfArrays extends Disposable {
  /** By map. */
  readonly readers: ReadonlyMap<string, EntriesReader>;
  /** Takes out what there is. */
  consume(): void;
  losses(): Iterable<PerfArrayLoss>;
  /** Notices CPUs that came, or were gone meanwhile. */
  follow(): void;
  /** By map: CPU time, at most, in milliseconds, of which there are no records since a CPU had just come. */
  unwatched(): Iterable<{ readonly map: string; readonly milliseconds: number }>;
}

/** Opens their buffers; to be called before the programs are attached that write to them. Throws MeterError('load'). */
export function openPerfArrays(object: LoadedObject, plans: readonly PerfArrayPlan[]): PerfArrays {
  using stack = new DisposableStack();
  const opened = plans.map((plan) => {
    const buffer = stack.use(openPerfBuffer(`${object.path}: map ${plan.map}`, object.map(plan.map).fd, pages));
    return { map: plan.map, buffer, counter: new RecordCounter(plan, buffer) };
  });
  const counters = opened.map(({ counter }) => counter);
  const consume = () => {
    for (const counter of counters) counter.consume();
  };
  if (plans.length > 0) stack.use(repeat(`${object.path}: records`, lookMs, consume));
  const all = stack.move();
  return {
    readers: new Map(counters.map((counter) => [counter.map, counter])),
    consume,
    *losses() {
      for (const counter of counters) yield* counter.losses();
    },
    follow() {
      for (const { map, buffer } of opened) {
        inBackground(`${object.path}: map ${map}: CPUs`, () => buffer.follow());
      }
    },
    *unwatched() {
      for (const { map, buffer } of opened) yield { map, milliseconds: buffer.unwatchedMs };
    },
    [Symbol.dispose]: () => all.dispose(),
  };
}

/**
 * The readers of an object's maps with those of its PERF_EVENT_ARRAY maps, which are up to date whenever a reading begins;
 * `follow` is called then too.
 */
export function withPerfArrays(readers: LoadedMapReaders, arrays: PerfArrays, follow: () => void): LoadedMapReaders {
  return {
    cpus: readers.cpus,
    begin() {
      arrays.consume();
      arrays.follow();
      follow();
      readers.begin?.();
    },
    entries: (map) => arrays.readers.get(map) ?? readers.entries(map),
    memory: (map) => readers.memory(map),
    [Symbol.dispose]: () => readers[Symbol.dispose](),
  };
}

/** Counts records by their first bytes. It looks like a hash map to who reads it, and refuses new keys as one does. */
export class RecordCounter implements EntriesReader {
  readonly map: string;
  readonly keySize: number;
  readonly valueSize = 8;
  readonly valueStride = 8;
  readonly cpus = 1;
  readonly cpuNumbers: readonly number[] = [];
  readonly maxEntries: number;
  readonly dropsWhenFull = true;
  readonly evicts: boolean;

  readonly #buffer: Pick<PerfBuffer, 'consume'>;
  readonly #now: () => number;
  readonly #recordBytes: number;
  readonly #flushMs: number | undefined;
  #flushAt: number;
  /** By the record's bytes, the entry. */
  readonly #entries = new Map<string, number>();
  #keys: Uint8Array;
  /** Two halves of each count, the lower first. */
  #counts: Uint32Array;
  /** What the last reading was given: records go on being counted while it is taken over. */
  #readKeys = new Uint8Array(0);
  #readCounts = new Uint32Array(0);
  readonly #lost = { buffer_full: 0, map_full: 0, short_record: 0 };

  /** `now` gives milliseconds. */
  constructor(plan: PerfArrayPlan, buffer: Pick<PerfBuffer, 'consume'>, now: () => number = () => performance.now()) {
    this.map = plan.map;
    this.keySize = plan.keySize;
    this.maxEntries = plan.limit;
    this.evicts = plan.flushMs !== undefined;
    this.#recordBytes = plan.recordBytes;
    this.#buffer = buffer;
    this.#now = now;
    this.#flushMs = plan.flushMs;
    this.#flushAt = now() + (plan.flushMs ?? 0);
    this.#keys = new Uint8Array(this.keySize * 16);
    this.#counts = new Uint32Array(2 * 16);
  }

  consume(): void {
    if (this.#flushMs !== undefined && this.#now() >= this.#flushAt) {
      this.#entries.clear();
      this.#flushAt += this.#flushMs * Math.ceil((this.#now() - this.#flushAt + 1) / this.#flushMs);
    }
    this.#lost.buffer_full += this.#buffer.consume((record) => this.#count(record));
  }

  read(): Entries {
    const count = this.#entries.size;
    if (this.#readCounts.length < count * 2) {
      this.#readKeys = new Uint8Array(this.#keys.length);
      this.#readCounts = new Uint32Array(this.#counts.length);
    }
    this.#readKeys.set(this.#keys.subarray(0, count * this.keySize));
    this.#readCounts.set(this.#counts.subarray(0, count * 2));
    return { count, keys: this.#readKeys, values: new Uint8Array(this.#readCounts.buffer, 0, count * 8) };
  }

  *losses(): Iterable<PerfArrayLoss> {
    for (const [reason, count] of Object.entries(this.#lost) as [PerfArrayLoss['reason'], number][]) {
      yield { map: this.map, reason, count };
    }
  }

  #count(record: Buffer): void {
    if (record.length < this.#recordBytes) {
      this.#lost.short_record++;
      return;
    }
    const key = record.toString('latin1', 0, this.#recordBytes);
    const entry = this.#entries.get(key) ?? this.#newEntry(key, record);
    if (entry === undefined) {
      this.#lost.map_full++;
      return;
    }
    if (++this.#counts[entry * 2]! === 0) this.#counts[entry * 2 + 1]!++;
  }

  #newEntry(key: string, record: Buffer): number | undefined {
    const entry = this.#entries.size;
    if (entry >= this.maxEntries) return undefined;
    if ((entry + 1) * 2 > this.#counts.length) this.#grow();
    this.#keys.fill(0, entry * this.keySize, (entry + 1) * this.keySize);
    this.#keys.set(record.subarray(0, this.#recordBytes), entry * this.keySize);
    this.#counts.fill(0, entry * 2, entry * 2 + 2);
    this.#entries.set(key, entry);
    return entry;
  }

  #grow(): void {
    const keys = new Uint8Array(this.#keys.length * 2);
    keys.set(this.#keys);
    this.#keys = keys;
    const counts = new Uint32Array(this.#counts.length * 2);
    counts.set(this.#counts);
    this.#counts = counts;
  }
}
