import type { Entries, EntriesReader } from './reading.ts';

/**
 * Several maps with the same layout as one: behind each key stands a byte, the number of its map, so that equal keys of two
 * maps are two entries. Values must have the same size; there are at most 256 maps.
 */
export function joinedReader(map: string, readers: readonly EntriesReader[]): EntriesReader {
  const [first] = readers;
  const { valueSize, valueStride, cpus, cpuNumbers } = first!;
  const keySize = first!.keySize + 1;
  let keys = new Uint8Array(0);
  let values = new Uint8Array(0);
  return {
    map,
    keySize,
    valueSize,
    valueStride,
    cpus,
    cpuNumbers,
    maxEntries: readers.reduce((sum, { maxEntries }) => sum + maxEntries, 0),
    dropsWhenFull: readers.some(({ dropsWhenFull }) => dropsWhenFull),
    evicts: readers.some(({ evicts }) => evicts === true),
    read(): Entries {
      const all = readers.map((reader) => reader.read());
      const count = all.reduce((sum, entries) => sum + entries.count, 0);
      if (keys.length < count * keySize) keys = new Uint8Array(Math.ceil(count * 1.25) * keySize);
      if (values.length < count * valueStride) values = new Uint8Array(Math.ceil(count * 1.25) * valueStride);
      let at = 0;
      for (const [index, entries] of all.entries()) {
        values.set(entries.values.subarray(0, entries.count * valueStride), at * valueStride);
        for (let entry = 0; entry < entries.count; entry++, at++) {
          const from = entry * (keySize - 1);
          keys.set(entries.keys.subarray(from, from + keySize - 1), at * keySize);
          keys[at * keySize + keySize - 1] = index;
        }
      }
      return { count, keys, values };
    },
  };
}
