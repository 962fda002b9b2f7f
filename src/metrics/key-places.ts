import { Stretch } from './stretch.ts';

/** Gives new keys their places and takes them back from keys that are gone. */
export interface PlaceOwner {
  /** The place of a key that was not there before; `offset` is the key's first byte in `keys`. */
  acquire(keys: Uint8Array, offset: number): number;
  /** The entry that was `entry`-th in the last reading, with this place, is gone. */
  release(place: number, entry: number): void;
}

/** How far ahead an inserted or removed run of entries is looked for before the hash table is used. */
const WINDOW = 4;

/**
 * Finds the entries of the last reading again in the next one, entry by entry, so that a reading in which
 * 1 % of the keys changed costs 1 % of the work of new keys.
 *
 * The kernel gives a hash map's entries in the order of its buckets, which changes only where keys come and go.
 * So the two key blocks are walked side by side; what does not fit is looked up in a hash table of the few left over.
 * Equal keys may appear more than once (a cache in front of a map): each is an entry of its own.
 */
export class KeyPlaces {
  readonly #keySize: number;
  readonly #words: number;
  /** The last reading's keys, padded so that they can be compared by 32-bit words. */
  #bytes = new Uint8Array(0);
  #keys = new Uint32Array(0);
  #next = new Uint32Array(0);
  #nextBytes = new Uint8Array(0);
  #places = new Int32Array(0);
  #nextPlaces = new Int32Array(0);
  #nextFormer = new Int32Array(0);
  #count = 0;
  /** By entry, which one it was in the reading before, -1 where it wasn't there; undefined: all are the same as then. */
  former: Int32Array | undefined;

  /** keySize in bytes. */
  constructor(keySize: number) {
    this.#keySize = keySize;
    this.#words = Math.ceil(keySize / 4);
  }

  /**
   * The place of each of `count` packed keys, in their order; valid until the next call.
   * New keys are acquired before those that are gone are released.
   */
  update(keys: Uint8Array, count: number, owner: PlaceOwner): Int32Array {
    const steps = this.updateInStretches(keys, count, owner, new Stretch());
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  }

  /** The same, with pauses while keys are acquired; nothing else may be done with the places until it has ended. */
  *updateInStretches(
    keys: Uint8Array,
    count: number,
    owner: PlaceOwner,
    stretch: Stretch,
  ): Generator<void, Int32Array> {
    const bytes = count * this.#keySize;
    const padded = this.#words * 4 !== this.#keySize;
    if (!padded && count === this.#count && sameBytes(this.#bytes, keys, bytes)) {
      this.former = undefined;
      return this.#places;
    }

    this.#reserve(count);
    if (padded) this.#spread(keys, count);
    else this.#nextBytes.set(keys.subarray(0, bytes));

    const { pending, gone } = this.#walk(count);
    const found = pending.length === 0 ? 0 : this.#findAmongGone(pending, gone);
    for (const entry of pending) {
      if (this.#nextPlaces[entry] === UNRESOLVED) {
        this.#nextPlaces[entry] = owner.acquire(keys, entry * this.#keySize);
        if (stretch.step()) yield;
      }
    }
    if (found < gone.length) for (const entry of gone) if (entry >= 0) owner.release(this.#places[entry]!, entry);

    this.#swap(count);
    return this.#places;
  }

  /**
   * Gives every key of the last reading its place anew, in what `update` returned, before any former one is taken back:
   * `moved` is told both, and the entry.
   */
  renew(acquire: PlaceOwner['acquire'], moved: (from: number, to: number, entry: number) => void): void {
    const before = this.#places.slice(0, this.#count);
    for (let entry = 0; entry < this.#count; entry++) {
      this.#places[entry] = acquire(this.#bytes, entry * this.#words * 4);
    }
    for (let entry = 0; entry < this.#count; entry++) moved(before[entry]!, this.#places[entry]!, entry);
  }

  #walk(count: number): { pending: number[]; gone: number[] } {
    const pending: number[] = [];
    const gone: number[] = [];
    const before = this.#count;
    const places = this.#places;
    const nextPlaces = this.#nextPlaces;
    const former = this.#nextFormer;
    let old = 0;
    let entry = 0;
    while (entry < count && old < before) {
      if (this.#same(entry, old)) {
        former[entry] = old;
        nextPlaces[entry++] = places[old++]!;
        continue;
      }
      const removed = this.#aheadInOld(entry, old);
      if (removed > 0) {
        for (let i = 0; i < removed; i++) gone.push(old++);
        continue;
      }
      const inserted = this.#aheadInNew(entry, old, count);
      if (inserted === 0) gone.push(old++);
      for (let i = Math.max(inserted, 1); i > 0; i--) {
        former[entry] = -1;
        nextPlaces[entry] = UNRESOLVED;
        pending.push(entry++);
      }
    }
    while (old < before) gone.push(old++);
    while (entry < count) {
      former[entry] = -1;
      nextPlaces[entry] = UNRESOLVED;
      pending.push(entry++);
    }
    return { pending, gone };
  }

  /** After how many entries of the last reading this entry comes, 0 where that is too far. */
  #aheadInOld(entry: number, old: number): number {
    for (let i = 1; i <= WINDOW && old + i < this.#count; i++) if (this.#same(entry, old + i)) return i;
    return 0;
  }

  #aheadInNew(entry: number, old: number, count: number): number {
    for (let i = 1; i <= WINDOW && entry + i < count; i++) if (this.#same(entry + i, old)) return i;
    return 0;
  }

  /** Gives moved entries their places and marks them in `gone` as -1; answers how many were found. */
  #findAmongGone(pending: readonly number[], gone: number[]): number {
    if (gone.length === 0) return 0;
    let size = 16;
    while (size < gone.length * 2) size *= 2;
    const table = new Int32Array(size);
    for (let i = 0; i < gone.length; i++) {
      let slot = hashWords(this.#keys, gone[i]! * this.#words, this.#words) & (size - 1);
      while (table[slot] !== 0) slot = (slot + 1) & (size - 1);
      table[slot] = i + 1;
    }
    let found = 0;
    for (const entry of pending) {
      let slot = hashWords(this.#next, entry * this.#words, this.#words) & (size - 1);
      for (let index = table[slot]!; index !== 0; index = table[slot]!) {
        const old = gone[index - 1]!;
        if (old >= 0 && this.#same(entry, old)) {
          this.#nextPlaces[entry] = this.#places[old]!;
          this.#nextFormer[entry] = old;
          gone[index - 1] = -1;
          found++;
          break;
        }
        slot = (slot + 1) & (size - 1);
      }
    }
    return found;
  }

  #same(entry: number, old: number): boolean {
    const words = this.#words;
    const next = this.#next;
    const keys = this.#keys;
    let a = entry * words;
    let b = old * words;
    for (let i = 0; i < words; i++) if (next[a++] !== keys[b++]) return false;
    return true;
  }

  #spread(keys: Uint8Array, count: number): void {
    const size = this.#keySize;
    const stride = this.#words * 4;
    const out = this.#nextBytes;
    for (let entry = 0; entry < count; entry++) {
      for (let i = 0; i < size; i++) out[entry * stride + i] = keys[entry * size + i]!;
    }
  }

  #reserve(count: number): void {
    if (this.#nextFormer.length < count) this.#nextFormer = new Int32Array(Math.ceil(count * 1.25) + 16);
    const room = this.#nextPlaces.length;
    if (room >= count && room <= count * 4 + 64) return;
    const entries = Math.ceil(count * 1.25) + 16;
    this.#nextBytes = new Uint8Array(entries * this.#words * 4);
    this.#next = new Uint32Array(this.#nextBytes.buffer);
    this.#nextPlaces = new Int32Array(entries);
  }

  #swap(count: number): void {
    [this.#bytes, this.#nextBytes] = [this.#nextBytes, this.#bytes];
    [this.#keys, this.#next] = [this.#next, this.#keys];
    [this.#places, this.#nextPlaces] = [this.#nextPlaces, this.#places];
    this.former = this.#nextFormer;
    this.#count = count;
  }
}

/** No place that an owner gives; owners use the negative numbers above it for keys without a row. */
const UNRESOLVED = -0x80000000;

function sameBytes(a: Uint8Array, b: Uint8Array, bytes: number): boolean {
  return Buffer.compare(a.subarray(0, bytes), b.subarray(0, bytes)) === 0;
}

function hashWords(words: Uint32Array, start: number, count: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < count; i++) {
    hash = Math.imul(hash ^ words[start + i]!, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}
