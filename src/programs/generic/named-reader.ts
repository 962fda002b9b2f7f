import type { KernelMap } from '../../libbpf/map.ts';
import { entriesReader } from '../../maps/readers.ts';
import type { EntriesReader } from '../../maps/reading.ts';

/** What a PERCPU_ARRAY counts by number, by name. */
export interface Named {
  readonly name: string;
  /** Its index in the array. */
  readonly slot: number;
}

/**
 * Reads a PERCPU_ARRAY as a map with names for keys: `keySize` bytes, zeros behind the name, of which there is at least one.
 * Slots that aren't among the named are left out. `map` is what metrics call it.
 */
export function namedReader(
  kernelMap: KernelMap,
  map: string,
  keySize: number,
  named: readonly Named[],
): EntriesReader {
  const slots = entriesReader(kernelMap);
  const { valueStride } = slots;
  const keys = Buffer.alloc(named.length * keySize);
  for (const [index, { name }] of named.entries()) keys.write(name, index * keySize, keySize - 1, 'latin1');
  const values = new Uint8Array(new ArrayBuffer(named.length * valueStride));
  const entries = { count: named.length, keys, values };
  return {
    ...slots,
    map,
    keySize,
    read() {
      const all = slots.read();
      for (const [index, { slot }] of named.entries()) {
        values.set(all.values.subarray(slot * valueStride, (slot + 1) * valueStride), index * valueStride);
      }
      return entries;
    },
  };
}
