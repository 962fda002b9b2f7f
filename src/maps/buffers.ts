import { allocate } from '../libbpf/library.ts';
import type { Entries } from './reading.ts';

/** Keys and values of one map, packed; grows and is used again, so that a reading like the last one allocates nothing. */
export class EntryBuffers {
  readonly #keySize: number;
  readonly #valueStride: number;
  #capacity = 0;
  #keys = allocate(0);
  #values = allocate(0);
  #entries: Entries = { count: 0, keys: this.#keys.bytes, values: this.#values.bytes };

  constructor(keySize: number, valueStride: number, capacity: number) {
    this.#keySize = keySize;
    this.#valueStride = valueStride;
    this.reserve(0, capacity);
  }

  /** Makes room for `wanted` entries and keeps the first `used`. Addresses from before are no longer valid. */
  reserve(used: number, wanted: number): void {
    if (wanted <= this.#capacity) return;
    this.#capacity = Math.max(wanted, this.#capacity * 2);
    const keys = allocate(this.#capacity * this.#keySize);
    const values = allocate(this.#capacity * this.#valueStride);
    keys.bytes.set(this.#keys.bytes.subarray(0, used * this.#keySize));
    values.bytes.set(this.#values.bytes.subarray(0, used * this.#valueStride));
    this.#keys = keys;
    this.#values = values;
  }

  /** Address of the key at an index, for the kernel to write to. */
  keyAt(index: number): number {
    return this.#keys.address + index * this.#keySize;
  }

  valueAt(index: number): number {
    return this.#values.address + index * this.#valueStride;
  }

  key(index: number): Uint8Array {
    return this.#keys.bytes.subarray(index * this.#keySize, (index + 1) * this.#keySize);
  }

  /** The first `count` entries; the same object for the same count, as long as the buffers didn't grow. */
  entries(count: number): Entries {
    const last = this.#entries;
    if (last.count === count && last.keys.buffer === this.#keys.bytes.buffer) return last;
    this.#entries = {
      count,
      keys: this.#keys.bytes.subarray(0, count * this.#keySize),
      values: this.#values.bytes.subarray(0, count * this.#valueStride),
    };
    return this.#entries;
  }
}
