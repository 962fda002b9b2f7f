import type { Attributes, HrTime } from '@opentelemetry/api';
import { readLabels } from './label-text.ts';

/**
 * The rows of one table: for each its labels as Prometheus text, how many entries of the map lead to it, and since when.
 *
 * The text is kept as bytes, one after the other in one buffer, and is also what tells series apart: two keys that
 * decode to the same labels are the same row. A hundred thousand rows cost some 60 bytes each beside their text,
 * and no JavaScript objects until a reader asks for attributes.
 */
export class SeriesRows {
  /** Text of all rows: `a="x",b="y"`; row r's is from starts[r], lengths[r] bytes long. */
  bytes: Buffer = Buffer.alloc(0);
  starts = new Int32Array(0);
  lengths = new Int32Array(0);
  /** Entries per row; 0: the row is unused. */
  references = new Int32Array(0);
  /** Rows are 0 … length - 1. */
  length = 0;
  used = 0;
  /** Rows that more than one entry leads to. */
  shared = 0;
  revision = 0;

  #end = 0;
  #garbage = 0;
  /** Row + 1 by hash of the text, 0 where there is none, -1 where one was removed; a power of two long. */
  #table = new Int32Array(16);
  #occupied = 0;
  #free: number[] = [];
  #identities = new Uint32Array(0);
  #lastIdentity = 0;
  #reserved = false;
  #startTimes: HrTime[] = [];
  #attributes: (Attributes | undefined)[] = [];

  /**
   * The row with these labels, made where there is none; one more entry leads to it. `since` is the start of a new row.
   * -1 where it would be a new one and so many are in use already.
   */
  acquire(text: Buffer, since: HrTime, most = Number.POSITIVE_INFINITY): number {
    const hash = hashBytes(text, 0, text.length);
    let row = this.#find(text, hash);
    if (row >= 0) {
      if (++this.references[row]! === 2) this.shared++;
      return row;
    }
    if (this.used >= most) return -1;
    row = this.#free.pop() ?? this.#newRow();
    this.#store(row, text);
    this.#insert(row, hash);
    this.references[row] = 1;
    this.#identities[row] = ++this.#lastIdentity;
    this.#startTimes[row] = since;
    this.used++;
    this.revision++;
    return row;
  }

  /** The number of a row that stays unused, for cells that belong to no series of this table. */
  reserve(): number {
    this.#reserved = true;
    this.revision++;
    const row = this.#free.pop() ?? this.#newRow();
    this.lengths[row] = 0;
    return row;
  }

  /** One entry less leads to this row; the last one ends it. */
  release(row: number): void {
    const left = --this.references[row]!;
    if (left === 1) this.shared--;
    if (left > 0) return;
    this.#remove(row);
    this.#garbage += this.lengths[row]!;
    this.#attributes[row] = undefined;
    this.used--;
    this.revision++;
    this.#free.push(row);
    if (this.used === 0 && !this.#reserved) this.#clear();
  }

  /** Gives back text that no row has any more; to be called after a reading, not while rows come and go. */
  compact(): void {
    if (this.#garbage < 65_536 || this.#garbage * 2 < this.#end) return;
    const packed = Buffer.allocUnsafeSlow(this.#end - this.#garbage + 4096);
    let end = 0;
    for (let row = 0; row < this.length; row++) {
      if (this.references[row] === 0) continue;
      const start = this.starts[row]!;
      this.bytes.copy(packed, end, start, start + this.lengths[row]!);
      this.starts[row] = end;
      end += this.lengths[row]!;
    }
    this.bytes = packed;
    this.#end = end;
    this.#garbage = 0;
  }

  identity(row: number): number {
    return this.#identities[row]!;
  }

  startTime(row: number): HrTime {
    return this.#startTimes[row]!;
  }

  /** The row's labels by these names, in the order of the text; the same object each time. */
  attributes(row: number, names: readonly string[]): Attributes {
    const known = this.#attributes[row];
    if (known !== undefined) return known;
    const start = this.starts[row]!;
    const made = readLabels(this.bytes, start, this.lengths[row]!, names);
    this.#attributes[row] = made;
    return made;
  }

  #find(text: Buffer, hash: number): number {
    const mask = this.#table.length - 1;
    for (let slot = hash & mask; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const row = this.#table[slot]! - 1;
      if (row >= 0 && this.lengths[row] === text.length) {
        const start = this.starts[row]!;
        if (this.bytes.compare(text, 0, text.length, start, start + text.length) === 0) return row;
      }
    }
    return -1;
  }

  #insert(row: number, hash: number): void {
    if ((this.#occupied + 1) * 4 > this.#table.length * 3) this.#rehash();
    const mask = this.#table.length - 1;
    let slot = hash & mask;
    while (this.#table[slot]! > 0) slot = (slot + 1) & mask;
    if (this.#table[slot] === 0) this.#occupied++;
    this.#table[slot] = row + 1;
  }

  #remove(row: number): void {
    const mask = this.#table.length - 1;
    let slot = this.#hashOf(row) & mask;
    while (this.#table[slot] !== row + 1) slot = (slot + 1) & mask;
    this.#table[slot] = -1;
  }

  #rehash(): void {
    let size = 16;
    while (size < (this.used + 1) * 2) size *= 2;
    const old = this.#table;
    this.#table = new Int32Array(size);
    this.#occupied = 0;
    for (const entry of old) {
      if (entry <= 0) continue;
      let slot = this.#hashOf(entry - 1) & (size - 1);
      while (this.#table[slot] !== 0) slot = (slot + 1) & (size - 1);
      this.#table[slot] = entry;
      this.#occupied++;
    }
  }

  #hashOf(row: number): number {
    return hashBytes(this.bytes, this.starts[row]!, this.lengths[row]!);
  }

  #store(row: number, text: Buffer): void {
    if (this.#end + text.length > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(4096, Math.ceil((this.#end + text.length) * 1.5)));
      this.bytes.copy(grown, 0, 0, this.#end);
      this.bytes = grown;
    }
    text.copy(this.bytes, this.#end);
    this.starts[row] = this.#end;
    this.lengths[row] = text.length;
    this.#end += text.length;
  }

  #newRow(): number {
    const row = this.length++;
    if (row >= this.starts.length) {
      const capacity = Math.max(16, Math.ceil(this.length * 1.5));
      this.starts = grow(this.starts, new Int32Array(capacity));
      this.lengths = grow(this.lengths, new Int32Array(capacity));
      this.references = grow(this.references, new Int32Array(capacity));
      this.#identities = grow(this.#identities, new Uint32Array(capacity));
    }
    return row;
  }

  #clear(): void {
    this.bytes = Buffer.alloc(0);
    this.starts = new Int32Array(0);
    this.lengths = new Int32Array(0);
    this.references = new Int32Array(0);
    this.#identities = new Uint32Array(0);
    this.#table = new Int32Array(16);
    this.#occupied = 0;
    this.#free = [];
    this.#startTimes = [];
    this.#attributes = [];
    this.#end = 0;
    this.#garbage = 0;
    this.length = 0;
  }
}

function grow<T extends Int32Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** FNV-1a. */
function hashBytes(bytes: Uint8Array, start: number, length: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < start + length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash ^ (hash >>> 15);
}
