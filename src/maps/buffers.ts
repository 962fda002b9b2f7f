import { addressOf } from '../libbpf/library.ts';
import type { Entries } from './reading.ts';

/** Keys and values of one map, packed; grows and is used again, so that a reading like the last one allocates nothing. */
export class EntryBuffers {
  readonly #keySize: number;
  readonly #valueStride: number;
  #capacity = 0;
  // Over buffers of their own: those are aligned to 8 bytes, which a slice of node's pool isn't.
  #keys = new Uint8Array(0);
  #values = new Uint8Array(0);
  #keysAddress = 0;
  #valuesAddress = 0;
  #entries: Entries = { count: 0, keys: this.#keys, values: this.#values };

  constructor(keySize: number, valueStride: number, capacity: number) {
    this.#keySize = keySize;
    this.#valueStride = valueStride;
    this.reserve(0, capacity);
  }

  /** Makes room for `wanted` entries and keeps the first `used`. Addresses from before are no longer valid. */
  reserve(used: number, wanted: number): void {
    if (wanted <= this.#capacity) return;
    this.#capacity = Math.max(wanted, this.#capacity * 2);
    const keys = new Uint8Array(new ArrayBuffer(this.#capacity * this.#keySize));
    const values = new Uint8Array(new ArrayBuffer(this.#capacity * this.#valueStride));
    keys.set(this.#keys.subarray(0, used * this.#keySize));
    values.set(this.#values.subarray(0, used * this.#valueStride));
    this.#keys = keys;
    this.#values = values;
    this.#keysAddress = addressOf(keys);
    this.#valuesAddress = addressOf(values);
  }

  /** Address of the key at an index, for the kernel to write to. */
  keyAt(index: number): number {
    return this.#keysAddress + index * this.#keySize;
  }

  valueAt(index: number): number {
    return this.#valuesAddress + index * this.#valueStride;
  }

  key(index: number): Uint8Array {
    return this.#keys.subarray(index * this.#keySize, (index + 1) * this.#keySize);
  }

  /** The first `count` entries; the same object for the same count, as long as the buffers didn't grow. */
  entries(count: number): Entries {
    const last = this.#entries;
    if (last.count === count && last.keys.buffer === this.#keys.buffer) return last;
    this.#entries = {
      count,
      keys: this.#keys.subarray(0, count * this.#keySize),
      values: this.#values.subarray(0, count * this.#valueStride),
    };
    return this.#entries;
  }
}
