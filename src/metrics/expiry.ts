import type { EntriesSource, ProgramPlan } from '../config/plan.ts';
import type { Entries } from '../maps/reading.ts';
import { innermostRuns } from './indexes.ts';
import type { MapCache } from './map-cache.ts';

/** Who knows which cgroups are gone. */
export interface GoneCgroups {
  /** Finds out what is gone by now; called before each reading. */
  update(): void;
  /** Since how many milliseconds that has been known of a cgroup; undefined: it isn't gone. */
  goneFor(id: bigint): number | undefined;
}

/** Prometheus shows a series for five minutes after its last sample, and every reader has come by until then. */
const KEPT_MS = 300_000;
/** How often keys are looked through while there is room. */
const PERIOD_MS = 10_000;
/** The part of a map that may be full before those that are gone go early. */
const ROOM = 3 / 4;

interface GoneKeys {
  readonly goneFor: number;
  /** Places among the map's entries. */
  readonly entries: number[];
  /** Bytes from the start of the cache's memory. */
  readonly cached: number[];
}

/**
 * Removes keys of cgroups that are gone from one map and the cache in front of it: after five minutes, or where the map
 * is nearly full, the longest gone first, when their last numbers have been read once. A cgroup that is gone has no tasks,
 * so that nothing counts under its key any more.
 */
export class Expiry {
  readonly map: string;
  readonly #source: EntriesSource;
  readonly #offset: number;
  readonly #keySize: number;
  readonly #maps: MapCache;
  readonly #valueSize: number;
  readonly #places: readonly number[];
  #looked = Number.NEGATIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  /** `offset` and `keySize` in bytes: where the id is in the key, and how long that is. */
  constructor(source: EntriesSource, offset: number, maps: MapCache) {
    const { reader } = maps.entries(source.map);
    this.map = source.map;
    this.#source = source;
    this.#offset = offset;
    this.#maps = maps;
    this.#keySize = reader.keySize;
    this.#valueSize = reader.valueSize;
    this.#places = source.cache === undefined ? [] : placesOf(source.cache, maps.cpus);
  }

  /**
   * Removes what is due and answers how many keys; after a reading, which was at this time in milliseconds and has taken so
   * many since.
   */
  run(gone: GoneCgroups, now: number, since = 0): number {
    const { reader, read } = this.#maps.entries(this.map);
    const entries = read();
    let excess = entries.count - Math.floor(reader.maxEntries * ROOM);
    const sinceLast = now - this.#last;
    this.#last = now;
    if (excess <= 0 && now - this.#looked < PERIOD_MS) return 0;
    this.#looked = now;

    const found = [...this.#goneKeys(entries, gone).values()].sort((a, b) => b.goneFor - a.goneFor);
    let removed = 0;
    for (const keys of found) {
      // What is gone since the last reading only has not been read when it was final.
      if (keys.goneFor - since < (excess > 0 ? sinceLast : KEPT_MS)) break;
      this.#remove(keys, entries);
      excess -= keys.entries.length;
      removed++;
    }
    return removed;
  }

  /** By key. */
  #goneKeys(entries: Entries, gone: GoneCgroups): ReadonlyMap<string, GoneKeys> {
    const found = new Map<string, GoneKeys>();
    const look = (bytes: Uint8Array, at: number, into: (keys: GoneKeys) => number[], place: number) => {
      const key = Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset + at, this.#keySize);
      const goneFor = gone.goneFor(key.readBigUInt64LE(this.#offset));
      if (goneFor === undefined) return;
      const text = key.toString('latin1');
      const keys = found.get(text) ?? { goneFor, entries: [], cached: [] };
      found.set(text, keys);
      into(keys).push(place);
    };
    for (let i = 0; i < entries.count; i++) look(entries.keys, i * this.#keySize, (keys) => keys.entries, i);
    const { cache } = this.#source;
    if (cache === undefined) return found;
    const memory = this.#maps.memory(cache.memory.map)();
    for (const place of this.#places) look(memory, place + cache.keyOffset, (keys) => keys.cached, place);
    return found;
  }

  /** From the cache too, or what the map has counted besides would be missing in a series that goes on. */
  #remove({ entries: places, cached }: GoneKeys, { keys }: Entries): void {
    const { reader } = this.#maps.entries(this.map);
    const size = this.#keySize;
    for (const i of places) reader.remove?.(keys.subarray(i * size, (i + 1) * size));
    const { cache } = this.#source;
    for (const place of cached) {
      // The value first: as soon as the key is zero, a program may count another key there.
      this.#maps.clear(cache!.memory.map, place + cache!.valueOffset, this.#valueSize);
      this.#maps.clear(cache!.memory.map, place + cache!.keyOffset, size);
    }
  }
}

/** One for each map of the program whose keys expire. */
export function expiriesOf({ tables }: ProgramPlan, maps: MapCache): readonly Expiry[] {
  const expiries = new Map<string, Expiry>();
  for (const { source } of tables) {
    if (source.kind !== 'entries' || source.expire === undefined || expiries.has(source.map)) continue;
    expiries.set(source.map, new Expiry(source, source.expire.offset, maps));
  }
  return [...expiries.values()];
}

function placesOf(cache: NonNullable<EntriesSource['cache']>, cpus: number): number[] {
  const runs = innermostRuns(cache.dimensions, cache.memory.offset, cpus);
  return runs.flatMap(({ start, count, stride }) => Array.from({ length: count }, (_, i) => start + i * stride));
}
