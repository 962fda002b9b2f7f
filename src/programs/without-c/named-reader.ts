import type { KernelMap } from '../../libbpf/map.ts';
import { entriesReader } from '../../maps/readers.ts';
import type { EntriesReader } from '../../maps/reading.ts';

/** What a PERCPU_ARRAY counts by number, by name. */
export interface Named {
  readonly name: string;
  /** Its index in the array. */
  readonly slot: number;
}

interface NamedMap {
  /** What metrics call it. */
  readonly map: string;
  /** Bytes, with zeros behind the name, of which there is at least one. */
  readonly keySize: number;
  /** How many names there may be. */
  readonly maxEntries: number;
}

/** Reads a PERCPU_ARRAY as a map with names for keys. Slots that aren't among the named are left out. */
export function namedReader(kernelMap: KernelMap, named: readonly Named[], asMap: NamedMap): EntriesReader {
  const slots = entriesReader(kernelMap);
  const { valueStride } = slots;
  const { keySize } = asMap;
  const keys = Buffer.alloc(named.length * keySize);
  for (const [index, { name }] of named.entries()) keys.write(name, index * keySize, keySize - 1, 'latin1');
  const values = new Uint8Array(new ArrayBuffer(named.length * valueStride));
  const entries = { count: named.length, keys, values };
  return {
    ...slots,
    ...asMap,
    read() {
      const all = slots.read();
      for (const [index, { slot }] of named.entries()) {
        values.set(all.values.subarray(slot * valueStride, (slot + 1) * valueStride), index * valueStride);
      }
      return entries;
    },
  };
}
