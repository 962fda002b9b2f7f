import type { CachePlan, TablePlan } from '../config/plan.ts';
import { EntryNumbers } from './entry-numbers.ts';
import type { ValueBlock } from './gather.ts';
import { innermostRuns } from './indexes.ts';
import type { MapCache } from './map-cache.ts';
import { NO_ROW, type Places, type Table } from './table.ts';

/** An element that has lost a key, or numbers of it. */
interface Lost {
  readonly element: number;
  /** The key's place. */
  readonly place: number;
  /** Where its last numbers begin. */
  readonly start: number;
}

/** The map behind a cache. */
interface GainedNumbers {
  /** Which of these keys have gained in the map, since the last reading, what elements had, whose numbers begin there in `lost`. */
  gained(lost: EntryNumbers, starts: ReadonlyMap<string, readonly number[]>): ReadonlySet<string>;
}

/**
 * Elements {key, value} in memory, each CPU's own. All elements are entries, the empty ones without a row,
 * so that an element's place in memory is its place among the entries.
 */
export class CacheSource {
  /** Elements. */
  readonly capacity: number;
  readonly #plan: TablePlan;
  readonly #cache: CachePlan;
  readonly #read: () => Uint8Array;
  readonly #runs: readonly { start: number; count: number; stride: number }[];
  #memory: Uint8Array = new Uint8Array(0);
  /** By element its key, now and in the last reading. */
  #keys: Buffer;
  #lastKeys: Buffer;
  #numbers: EntryNumbers;
  #lastNumbers: EntryNumbers;
  /** By element its place, and where its numbers begin, of those that have a row: most are empty. */
  readonly #found: Int32Array;
  readonly #starts: Int32Array;
  readonly #freeStarts: number[] = [];
  #used = 0;
  /** Keys that have left their elements, until it is known where to. */
  #left: Lost[] = [];

  constructor(plan: TablePlan, cache: CachePlan, maps: MapCache) {
    this.#plan = plan;
    this.#cache = cache;
    this.#read = maps.memory(cache.memory.map);
    this.#runs = innermostRuns(cache.dimensions, cache.memory.offset, maps.cpus);
    this.capacity = this.#runs.reduce((sum, run) => sum + run.count, 0);
    this.#keys = Buffer.alloc(this.capacity * plan.keySize);
    this.#lastKeys = Buffer.alloc(this.#keys.length);
    this.#numbers = new EntryNumbers(plan);
    this.#lastNumbers = new EntryNumbers(plan);
    this.#found = new Int32Array(this.capacity).fill(NO_ROW);
    this.#starts = new Int32Array(this.capacity).fill(NO_ROW);
  }

  get places(): Places {
    return { found: this.#found, count: this.capacity };
  }

  /** Takes the elements of this reading, and gives new keys their rows. */
  read(table: Table): void {
    this.#memory = this.#read();
    [this.#keys, this.#lastKeys] = [this.#lastKeys, this.#keys];
    [this.#numbers, this.#lastNumbers] = [this.#lastNumbers, this.#numbers];
    this.#copyKeys();
    if (!this.#keys.equals(this.#lastKeys)) {
      for (let element = 0; element < this.capacity; element++)
        if (!this.#isSame(element)) this.#replace(table, element);
    }
    this.#numbers.take(this.#blocks(), this.#starts, this.#used);
  }

  /**
   * Gives up the rows of keys that left, when the map's keys have theirs. Where the map has gained the numbers of such a key,
   * or of an element that counts from zero again, they are in the map's row now; else they were removed with the key, and the
   * row that they were in keeps them.
   */
  release(table: Table, map: GainedNumbers): void {
    const left = this.#left;
    const fallen = this.#fallen();
    if (left.length === 0 && fallen.length === 0) return;
    this.#left = [];
    const size = this.#plan.keySize;
    const keyOf = (element: number) => this.#lastKeys.toString('latin1', element * size, (element + 1) * size);
    const starts = new Map<string, number[]>();
    for (const { element, start } of [...left, ...fallen]) {
      const key = keyOf(element);
      starts.set(key, [...(starts.get(key) ?? []), start]);
    }
    const gained = map.gained(this.#lastNumbers, starts);
    for (const { element, place, start } of left) {
      if (gained.has(keyOf(element))) table.release(place);
      else table.retire(place, this.#lastNumbers, start);
      this.#freeStarts.push(start);
    }
    for (const { element, place, start } of fallen) {
      if (!gained.has(keyOf(element))) table.restart(place, this.#lastNumbers, start);
    }
  }

  /** Gives every key its row anew: names have changed. */
  renew(table: Table): void {
    const before = this.#found.slice();
    for (let element = 0; element < this.capacity; element++) this.#found[element] = this.#acquire(table, element);
    for (let element = 0; element < this.capacity; element++) {
      const last = this.#isSame(element) ? this.#lastNumbers : undefined;
      table.move(before[element]!, this.#found[element]!, last, this.#starts[element]!);
      this.#setStart(element);
    }
    this.#numbers.take(this.#blocks(), this.#starts, this.#used);
  }

  add(table: Table): void {
    table.addNumbers(this.#numbers, this.#starts, this.#found, this.capacity);
  }

  /** The element has another key than in the last reading, or none any more. */
  #replace(table: Table, element: number): void {
    const place = this.#found[element]!;
    // Given back later: what the former key had is still read there.
    if (place >= 0) this.#left.push({ element, place, start: this.#starts[element]! });
    this.#found[element] = this.#acquire(table, element);
    this.#starts[element] = NO_ROW;
    this.#setStart(element);
  }

  /** An element has room for numbers as long as it has a row. */
  #setStart(element: number): void {
    const start = this.#starts[element]!;
    const isUsed = this.#found[element]! >= 0;
    if (isUsed === start >= 0) return;
    if (isUsed) this.#starts[element] = this.#freeStarts.pop() ?? this.#used++ * this.#numbers.width;
    else {
      this.#freeStarts.push(start);
      this.#starts[element] = NO_ROW;
    }
  }

  #isSame(element: number): boolean {
    const at = element * this.#plan.keySize;
    const end = at + this.#plan.keySize;
    return this.#keys.compare(this.#lastKeys, at, end, at, end) === 0;
  }

  #acquire(table: Table, element: number): number {
    const at = element * this.#plan.keySize;
    return isZero(this.#keys, at, this.#plan.keySize) ? NO_ROW : table.acquire(this.#keys, at);
  }

  /** Elements that kept their key and count from zero again. */
  #fallen(): Lost[] {
    const fallen: Lost[] = [];
    for (let element = 0; element < this.capacity; element++) {
      const start = this.#starts[element]!;
      if (start < 0 || !this.#numbers.hasFallen(start, this.#lastNumbers, start)) continue;
      if (this.#isSame(element)) fallen.push({ element, place: this.#found[element]!, start });
    }
    return fallen;
  }

  #copyKeys(): void {
    const size = this.#plan.keySize;
    const keys = this.#keys;
    let at = 0;
    for (const run of this.#runs) {
      let from = run.start + this.#cache.keyOffset;
      for (let i = 0; i < run.count; i++, from += run.stride) {
        for (let byte = 0; byte < size; byte++) keys[at++] = this.#memory[from + byte]!;
      }
    }
  }

  *#blocks(): Generator<ValueBlock> {
    const bytes = this.#memory;
    for (const { start, count, stride } of this.#runs) {
      yield { bytes, start: start + this.#cache.valueOffset, count, stride, cpus: 1, cpuStride: 0 };
    }
  }
}

function isZero(bytes: Uint8Array, offset: number, size: number): boolean {
  for (let i = 0; i < size; i++) if (bytes[offset + i] !== 0) return false;
  return true;
}
