import type { Entries, EntriesReader, MapReaders } from '../maps/reading.ts';
import type { Stretch } from './stretch.ts';
import type { Table } from './table.ts';

/**
 * Brings the numbers of one table from its maps, as MapCache has read them; throws MeterError('map') where one could not
 * be read. Yields when others should have their turn, which is only where very many keys are new.
 */
export interface TableSource {
  /** Keys at most. */
  readonly capacity: number;
  fill(table: Table, stretch: Stretch): Iterable<void>;
}

/** How full a map with keys is. */
export interface FillLevel {
  readonly map: string;
  readonly entries: number;
  readonly capacity: number;
  /** Full, and of a type that refuses new keys then. */
  readonly isDropping: boolean;
}

/** One program's maps, each read at most once per reading however many tables it feeds. */
export class MapCache {
  readonly cpus: number;
  readonly #readers: MapReaders;
  readonly #entries = new Map<string, { reader: EntriesReader; read: Once<Entries>; count: number }>();
  readonly #memory = new Map<string, Once<Uint8Array>>();

  constructor(readers: MapReaders) {
    this.#readers = readers;
    this.cpus = readers.cpus;
  }

  /** The map's sizes, and its entries in this reading. */
  entries(map: string): { reader: EntriesReader; read: () => Entries } {
    let cached = this.#entries.get(map);
    if (cached === undefined) {
      const reader = this.#readers.entries(map);
      cached = { reader, read: new Once(() => reader.read()), count: 0 };
      this.#entries.set(map, cached);
    }
    const { reader, read } = cached;
    return {
      reader,
      read: () => {
        const entries = read.get();
        cached.count = entries.count;
        return entries;
      },
    };
  }

  /** A map's memory in this reading. */
  memory(map: string): () => Uint8Array {
    let read = this.#memory.get(map);
    if (read === undefined) {
      const reader = this.#readers.memory(map);
      read = new Once(() => reader.read());
      this.#memory.set(map, read);
    }
    return () => read.get();
  }

  /** Sets bytes of a map to zero, each 8 at once. Throws MeterError('map') where it can't be written. */
  clear(map: string, start: number, bytes: number): void {
    this.#readers.memory(map).clear?.(start, bytes);
  }

  /** Reads every map that a table needs; what can't be read fails where the table asks for it. */
  read(): void {
    for (const { read } of this.#entries.values()) read.make();
    for (const read of this.#memory.values()) read.make();
  }

  /** Forgets what was read; to be called before each reading. */
  reset(): void {
    this.#readers.begin?.();
    for (const { read } of this.#entries.values()) read.reset();
    for (const read of this.#memory.values()) read.reset();
  }

  /** Entries in the last reading and room for them, by map; only for maps that have keys. */
  *fillLevels(): Iterable<FillLevel> {
    for (const [map, { reader, count }] of this.#entries) {
      const { maxEntries: capacity, dropsWhenFull } = reader;
      yield { map, entries: count, capacity, isDropping: dropsWhenFull && count >= capacity };
    }
  }
}

/** A result, or a failure, that is the same for everybody until it is reset. */
class Once<T> {
  readonly #make: () => T;
  #state: { value: T } | { error: unknown } | undefined;

  constructor(make: () => T) {
    this.#make = make;
  }

  get(): T {
    const state = this.make();
    if ('error' in state) throw state.error;
    return state.value;
  }

  /** Never throws. */
  make(): { value: T } | { error: unknown } {
    if (this.#state === undefined) {
      try {
        this.#state = { value: this.#make() };
      } catch (error) {
        this.#state = { error };
      }
    }
    return this.#state;
  }

  reset(): void {
    this.#state = undefined;
  }
}
