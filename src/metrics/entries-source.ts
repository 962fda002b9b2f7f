import type { CachePlan, EntriesSource, TablePlan } from '../config/plan.ts';
import type { Entries, EntriesReader } from '../maps/reading.ts';
import type { ValueBlock } from './gather.ts';
import { innermostRuns } from './indexes.ts';
import { KeyPlaces, type PlaceOwner } from './key-places.ts';
import type { MapCache, TableSource } from './source.ts';
import { NO_ROW, type Places, type Table } from './table.ts';

/** A map with keys, and where the program has one, the per-CPU cache in front of it. */
export function entriesSource(plan: TablePlan, source: EntriesSource, maps: MapCache): TableSource {
  const { reader, read } = maps.entries(source.map);
  const perCpu = source.perCpu === 'label' ? new CpuKeys(reader) : undefined;
  const places = new KeyPlaces(plan.keySize);
  const cache = source.cache && new CacheSource(plan, source.cache, maps);
  const last = new LastValues();
  return {
    capacity: reader.maxEntries * (source.perCpu === 'label' ? reader.cpus : 1) + (cache?.capacity ?? 0),
    *fill(table, stretch) {
      const entries = read();
      cache?.read(table);
      const block = perCpu ? perCpu.block(entries) : entriesBlock(entries, reader);
      const owner: PlaceOwner = {
        acquire: (keys, offset) => table.acquire(keys, offset),
        release: (place, entry) => table.retire(place, last.block, entry),
      };
      const keys = perCpu ? perCpu.keys(entries) : entries.keys;
      const found = yield* places.updateInStretches(keys, block.count, owner, stretch);
      cache?.release(table);
      if (table.takeRenamed()) {
        places.renew(renaming(table));
        cache?.renew(table);
      }
      table.settle({ found, count: block.count }, ...(cache === undefined ? [] : [cache.places]));
      table.clearCells();
      table.add(block, found, 0);
      cache?.add(table);
      last.keep(table.sharesRows ? block : undefined);
    },
  };
}

/** What keys count goes with them to the rows of their new names. */
function renaming(table: Table): PlaceOwner {
  return {
    acquire: (keys, offset) => table.acquire(keys, offset),
    release: (place) => table.release(place),
  };
}

/** The values of the last reading, of which those of vanished keys are needed where rows are shared. */
class LastValues {
  block: ValueBlock | undefined;
  #bytes = new Uint8Array(0);

  keep(block: ValueBlock | undefined): void {
    this.block = undefined;
    if (block === undefined) return;
    const length = block.count * block.stride;
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(Math.ceil((length * 1.25) / 8) * 8);
    this.#bytes.set(block.bytes.subarray(0, length));
    this.block = { ...block, bytes: this.#bytes };
  }
}

function entriesBlock(entries: Entries, reader: EntriesReader): ValueBlock {
  return {
    bytes: entries.values,
    start: 0,
    count: entries.count,
    stride: reader.valueStride,
    cpus: reader.cpus,
    cpuStride: reader.valueSize,
  };
}

/** Every CPU's value as an entry of its own: the map's key with the CPU's number, a u16, behind it. */
class CpuKeys {
  readonly #reader: EntriesReader;
  #keys = new Uint8Array(0);

  constructor(reader: EntriesReader) {
    this.#reader = reader;
  }

  keys(entries: Entries): Uint8Array {
    const { cpus, cpuNumbers, keySize } = this.#reader;
    const size = keySize + 2;
    const bytes = entries.count * cpus * size;
    if (this.#keys.length < bytes) this.#keys = new Uint8Array(Math.ceil(bytes * 1.25));
    let at = 0;
    for (let entry = 0; entry < entries.count; entry++) {
      for (let cpu = 0; cpu < cpus; cpu++, at += size) {
        for (let i = 0; i < keySize; i++) this.#keys[at + i] = entries.keys[entry * keySize + i]!;
        const number = cpuNumbers[cpu]!;
        this.#keys[at + keySize] = number & 0xff;
        this.#keys[at + keySize + 1] = number >> 8;
      }
    }
    return this.#keys;
  }

  block(entries: Entries): ValueBlock {
    const { cpus, valueSize } = this.#reader;
    return { bytes: entries.values, start: 0, count: entries.count * cpus, stride: valueSize, cpus: 1, cpuStride: 0 };
  }
}

/**
 * Elements {key, value} in memory, each CPU's own. All elements are entries, the empty ones without a row,
 * so that an element's place in memory is its place among the entries.
 */
class CacheSource {
  readonly #plan: TablePlan;
  readonly #cache: CachePlan;
  readonly #read: () => Uint8Array;
  readonly #runs: readonly { start: number; count: number; stride: number }[];
  readonly #keys: Uint8Array;
  readonly #places: KeyPlaces;
  #memory: Uint8Array = new Uint8Array(0);
  #found: Int32Array = new Int32Array(0);
  #gone: number[] = [];

  constructor(plan: TablePlan, cache: CachePlan, maps: MapCache) {
    this.#plan = plan;
    this.#cache = cache;
    this.#read = maps.memory(cache.memory.map);
    this.#runs = innermostRuns(cache.dimensions, cache.memory.offset, maps.cpus);
    this.#keys = new Uint8Array(this.#runs.reduce((sum, run) => sum + run.count, 0) * plan.keySize);
    this.#places = new KeyPlaces(plan.keySize);
  }

  get capacity(): number {
    return this.#keys.length / this.#plan.keySize;
  }

  get places(): Places {
    return { found: this.#found, count: this.capacity };
  }

  read(table: Table): void {
    const size = this.#plan.keySize;
    const keys = this.#keys;
    this.#memory = this.#read();
    let at = 0;
    for (const run of this.#runs) {
      let from = run.start + this.#cache.keyOffset;
      for (let i = 0; i < run.count; i++, from += run.stride) {
        for (let byte = 0; byte < size; byte++) keys[at++] = this.#memory[from + byte]!;
      }
    }
    const owner: PlaceOwner = {
      acquire: (bytes, offset) => (isZero(bytes, offset, size) ? NO_ROW : table.acquire(bytes, offset)),
      release: (place) => void this.#gone.push(place),
    };
    this.#found = this.#places.update(keys, at / size, owner);
  }

  renew(table: Table): void {
    const owner = renaming(table);
    const size = this.#plan.keySize;
    this.#places.renew({
      ...owner,
      acquire: (bytes, offset) => (isZero(bytes, offset, size) ? NO_ROW : owner.acquire(bytes, offset)),
    });
  }

  /** Gives up the rows of keys that left; only when the map's keys have theirs, since that is where they went. */
  release(table: Table): void {
    for (const place of this.#gone) table.release(place);
    this.#gone = [];
  }

  add(table: Table): void {
    let first = 0;
    for (const run of this.#runs) {
      const start = run.start + this.#cache.valueOffset;
      const { count, stride } = run;
      table.add({ bytes: this.#memory, start, count, stride, cpus: 1, cpuStride: 0 }, this.#found, first);
      first += count;
    }
  }
}

function isZero(bytes: Uint8Array, offset: number, size: number): boolean {
  for (let i = 0; i < size; i++) if (bytes[offset + i] !== 0) return false;
  return true;
}
