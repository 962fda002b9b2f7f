import { MeterError } from '../errors.ts';
import type { KernelMap } from '../libbpf/map.ts';
import { type MappedMemory, mapMemory } from '../libbpf/mmap.ts';
import type { EntriesReader, MemoryReader } from './reading.ts';
import { roundUp8 } from './shape.ts';

interface MappedReader extends MemoryReader, Disposable {}

/**
 * Reads an mmapable ARRAY or a data section from its memory, without a system call.
 * Throws MeterError('map') where it can't be mapped.
 */
export function mappedReader(map: KernelMap): MappedReader {
  const size = roundUp8(map.valueSize) * map.maxEntries;
  const memory = mapMemory(`map ${map.name}`, map.fd, size);
  const words = new BigUint64Array(size / 8);
  const copy = new Uint8Array(words.buffer);
  // Most are never written to, and what can't be written by mistake stays right.
  let writable: MappedMemory | undefined;
  let disposed = false;
  return {
    map: map.name,
    size,
    read() {
      // The memory isn't there any more, and touching it would end the process.
      if (disposed) throw new MeterError('map', `map ${map.name}: read after its program was closed`);
      // Programs go on counting: copied by aligned 8-byte words, a number is the old one or the new one. What
      // decodes smaller parts of it must do that in the copy, since two halves read apart needn't fit together.
      words.set(memory.words);
      return copy;
    },
    clear(start, bytes) {
      if (disposed) throw new MeterError('map', `map ${map.name}: written after its program was closed`);
      writable ??= mapMemory(`map ${map.name}`, map.fd, size, true);
      writable.words.fill(0n, start / 8, (start + bytes) / 8);
    },
    [Symbol.dispose]() {
      disposed = true;
      writable?.[Symbol.dispose]();
      memory[Symbol.dispose]();
    },
  };
}

/** Gives an ARRAY that can't be mapped the same shape, through a reader of its entries. */
export function copiedReader(map: KernelMap, entries: EntriesReader): MemoryReader {
  const stride = roundUp8(map.valueSize);
  const size = stride * map.maxEntries;
  const copy = new Uint8Array(new ArrayBuffer(size));
  return {
    map: map.name,
    size,
    read() {
      const { count, values } = entries.read();
      if (stride === map.valueSize) {
        copy.set(values);
        return copy;
      }
      for (let index = 0; index < count; index++) {
        const from = index * map.valueSize;
        for (let byte = 0; byte < map.valueSize; byte++) copy[index * stride + byte] = values[from + byte] ?? 0;
      }
      return copy;
    },
  };
}
