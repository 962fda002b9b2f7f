import type { EntriesSource, TablePlan } from '../config/plan.ts';
import type { Entries, EntriesReader } from '../maps/reading.ts';
import { CacheSource } from './cache-source.ts';
import { EntryNumbers } from './entry-numbers.ts';
import type { ValueBlock } from './gather.ts';
import { KeyPlaces, type PlaceOwner } from './key-places.ts';
import type { MapCache, TableSource } from './map-cache.ts';
import type { Table } from './table.ts';

/** A map with keys, and where the program has one, the per-CPU cache in front of it. */
export function entriesSource(plan: TablePlan, source: EntriesSource, maps: MapCache): TableSource {
  const { reader, read } = maps.entries(source.map);
  const perCpu = source.perCpu === 'label' ? new CpuKeys(reader) : undefined;
  const places = new KeyPlaces(plan.keySize);
  const cache = source.cache && new CacheSource(plan, source.cache, maps);
  const numbers = new KnownNumbers(plan);
  return {
    capacity: reader.maxEntries * (source.perCpu === 'label' ? reader.cpus : 1) + (cache?.capacity ?? 0),
    *fill(table, stretch) {
      const entries = read();
      const block = perCpu ? perCpu.block(entries) : entriesBlock(entries, reader);
      const keys = perCpu ? perCpu.keys(entries) : entries.keys;
      cache?.read(table);
      const owner: PlaceOwner = {
        acquire: (bytes, offset) => table.acquire(bytes, offset),
        release: (place, entry) => table.retire(place, numbers.last, numbers.startOf(entry)),
      };
      const found = yield* places.updateInStretches(keys, block.count, owner, stretch);
      const isKnown = numbers.take(table, block);
      const { former } = places;
      cache?.release(table, { gained: (lost, starts) => numbers.gained(keys, block.count, former, lost, starts) });
      if (reader.evicts === true) numbers.restartFallen(table, found, former, block.count);
      if (table.takeRenamed()) {
        places.renew(owner.acquire, (from, to, entry) => numbers.move(table, from, to, former, entry));
        cache?.renew(table);
      }
      table.settle({ found, count: block.count }, ...(cache === undefined ? [] : [cache.places]));
      table.clearCells();
      if (isKnown) numbers.add(table, found, block.count);
      else table.add(block, found, 0);
      cache?.add(table);
      numbers.end();
    },
  };
}

/** Each entry's numbers, of this reading and the last, which are needed where rows are shared or may be renamed. */
class KnownNumbers {
  /** The last reading's, until `end`; undefined where they weren't kept. */
  last: EntryNumbers | undefined;
  #now: EntryNumbers | undefined;
  readonly #pair: readonly [EntryNumbers, EntryNumbers];
  readonly #keySize: number;
  #starts = new Int32Array(0);

  constructor(plan: TablePlan) {
    this.#keySize = plan.keySize;
    this.#pair = [new EntryNumbers(plan), new EntryNumbers(plan)];
  }

  /** Where those of an entry begin. */
  startOf(entry: number): number {
    return entry * this.#pair[0].width;
  }

  /** Takes this reading's; false where they aren't needed. */
  take(table: Table, block: ValueBlock): boolean {
    this.#now = undefined;
    if (!table.sharesRows && !table.namesMove) return false;
    const { count } = block;
    if (this.#starts.length < count) {
      this.#starts = Int32Array.from({ length: Math.ceil(count * 1.25) }, (_, entry) => this.startOf(entry));
    }
    const [one, other] = this.#pair;
    this.#now = this.last === one ? other : one;
    this.#now.take([block], this.#starts, count);
    return true;
  }

  /**
   * Finds entries that count from zero again although they never left: evicted and made anew since the last reading.
   * `former` is as KeyPlaces has it.
   */
  restartFallen(table: Table, found: Int32Array, former: Int32Array | undefined, count: number): void {
    const { last } = this;
    const now = this.#now;
    if (now === undefined || last === undefined) return;
    // Mostly all entries are where they were, and nothing is lower: seen in a fifth of the time.
    if (former === undefined && !now.isLower(last, this.startOf(count))) return;
    for (let entry = 0; entry < count; entry++) {
      const before = this.startOf(former === undefined ? entry : former[entry]!);
      if (before < 0 || !now.hasFallen(this.startOf(entry), last, before)) continue;
      table.restart(found[entry]!, last, before);
    }
  }

  /** As GainedNumbers has it; `keys` are those of this reading, packed. */
  gained(
    keys: Uint8Array,
    count: number,
    former: Int32Array | undefined,
    lost: EntryNumbers,
    starts: ReadonlyMap<string, readonly number[]>,
  ): ReadonlySet<string> {
    const gained = new Set<string>();
    const size = this.#keySize;
    const bytes = Buffer.from(keys.buffer as ArrayBuffer, keys.byteOffset, count * size);
    for (let entry = 0; entry < count; entry++) {
      const key = bytes.toString('latin1', entry * size, (entry + 1) * size);
      const others = starts.get(key);
      if (others === undefined) continue;
      const before = this.startOf(former === undefined ? entry : former[entry]!);
      if (this.#now?.hasGained(this.startOf(entry), this.last, before, lost, others) !== false) gained.add(key);
    }
    return gained;
  }

  /** An entry is renamed: it has another place. */
  move(table: Table, from: number, to: number, former: Int32Array | undefined, entry: number): void {
    const before = this.startOf(former === undefined ? entry : former[entry]!);
    table.move(from, to, before < 0 ? undefined : this.last, before);
  }

  add(table: Table, found: Int32Array, count: number): void {
    table.addNumbers(this.#now!, this.#starts, found, count);
  }

  /** The reading is over: it is the last one. */
  end(): void {
    this.last = this.#now;
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
