// Ways to read BPF maps, a file each, behind the types of this file, which are all that the store knows of maps. May be
// imported by `programs`; for types by `metrics`.

/**
 * One reading of a map with keys. The buffers belong to the reader and are overwritten by its next reading, and by nothing
 * else: who reads may pause before everything is taken over.
 */
export interface Entries {
  readonly count: number;
  /** count × keySize bytes, packed. */
  readonly keys: Uint8Array;
  /** count × valueStride bytes; for a per-CPU map one value after the other, each rounded up to 8 bytes. 8-byte aligned. */
  readonly values: Uint8Array;
}

/** Reads one BPF map; synchronous, since nothing may come between reading a map and storing its values. */
export interface EntriesReader {
  readonly map: string;
  readonly keySize: number;
  /** Bytes of one CPU's value, rounded up to 8 in a per-CPU map. */
  readonly valueSize: number;
  /** Bytes between two entries' values: valueSize × CPUs in a per-CPU map. */
  readonly valueStride: number;
  /** 1 where the map is not per-CPU. */
  readonly cpus: number;
  /** Of a per-CPU map, whose value each is. */
  readonly cpuNumbers: readonly number[];
  readonly maxEntries: number;
  /** Whether a full map refuses new keys; an LRU map evicts old ones, and an ARRAY is always full. */
  readonly dropsWhenFull: boolean;
  /** Set where keys are removed without the program's doing, and come back to count from zero. */
  readonly evicts?: boolean;
  /** Throws MeterError('map') where the kernel refuses. */
  read(): Entries;
  /** Removes a key, if it is there. Unset: keys of this map can't be removed. Throws MeterError('map'). */
  remove?(key: Uint8Array): void;
}

/**
 * Memory of an ARRAY map or a data section.
 * The copy belongs to the reader and is overwritten by its next reading; it is 8-byte aligned, its length a multiple of 8.
 */
export interface MemoryReader {
  readonly map: string;
  /** Bytes of the whole map: elements × the element's size rounded up to 8. */
  readonly size: number;
  read(): Uint8Array;
  /** Sets bytes of the map itself to zero, each 8 at once; both are multiples of 8. Unset: it can't be written. */
  clear?(start: number, bytes: number): void;
}

/** The kernel behind one loaded program, as src/metrics sees it; tests put tables in its place. */
export interface MapReaders {
  /** A new reading begins: maps that are filled for each are filled anew when they are next read. */
  begin?(): void;
  entries(map: string): EntriesReader;
  memory(map: string): MemoryReader;
  /** Number of possible CPUs. */
  readonly cpus: number;
}
