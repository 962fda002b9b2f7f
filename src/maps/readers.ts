import { MeterError } from '../errors.ts';
import { possibleCpus } from '../kernel/cpus.ts';
import type { LoadedObject } from '../libbpf/loaded.ts';
import { type KernelMap, remove } from '../libbpf/map.ts';
import { BatchUnsupported, batchReader } from './batch.ts';
import { elementsReader } from './elements.ts';
import { copiedReader, mappedReader } from './memory.ts';
import type { Entries, EntriesReader, MapReaders, MemoryReader } from './reading.ts';
import { shapeOf } from './shape.ts';

/** Types of maps that are read by key or index. */
const readable = ['hash', 'percpu_hash', 'lru_hash', 'lru_percpu_hash', 'lpm_trie', 'array', 'percpu_array'];

/** Reads the maps of one loaded object; must be disposed before it. */
export interface LoadedMapReaders extends MapReaders, Disposable {}

/**
 * Makes the readers of an object's maps when they are first asked for; asking again gives the same reader.
 * `entries` and `memory` throw MeterError('map') for a map that isn't there or can't be read that way.
 */
export function mapReaders(object: LoadedObject): LoadedMapReaders {
  const entries = new Map<string, EntriesReader>();
  const memories = new Map<string, MemoryReader>();
  const mapped = new DisposableStack();

  const entriesOf = (name: string): EntriesReader => {
    const known = entries.get(name);
    if (known) return known;
    const reader = entriesReader(object.map(name));
    entries.set(name, reader);
    return reader;
  };

  return {
    cpus: possibleCpus().indexes,
    entries: entriesOf,
    memory(name) {
      const known = memories.get(name);
      if (known) return known;
      const map = object.map(name);
      if (map.type !== 'array') {
        throw new MeterError('map', `map ${name}: is a ${map.type}, and only arrays have their elements in memory`);
      }
      const reader = map.mmapable ? mapped.use(mappedReader(map)) : copiedReader(map, entriesOf(name));
      memories.set(name, reader);
      return reader;
    },
    [Symbol.dispose]() {
      entries.clear();
      memories.clear();
      mapped.dispose();
    },
  };
}

/** Throws MeterError('map') for a type of map that isn't read. */
export function entriesReader(map: KernelMap): EntriesReader {
  if (!readable.includes(map.type)) {
    throw new MeterError('map', `map ${map.name}: maps of type "${map.type}" can't be read`, {
      remedy: `Use one of ${readable.join(', ')}`,
    });
  }
  const shape = shapeOf(map);
  // The kernel's batches of an LPM_TRIE go on from a key, and begin anew where that one was removed: keys would come twice.
  let readAll = map.type === 'lpm_trie' ? elementsReader(map, shape) : batchReader(map, shape);
  const read = (): Entries => {
    try {
      return readAll();
    } catch (error) {
      if (!(error instanceof BatchUnsupported)) throw error;
      readAll = elementsReader(map, shape);
      return readAll();
    }
  };
  const { name, keySize, maxEntries } = map;
  const reader = {
    map: name,
    keySize,
    maxEntries,
    dropsWhenFull: /^((percpu_)?hash|lpm_trie)$/.test(map.type),
    ...shape,
    read,
  };
  return map.type.endsWith('hash') ? { ...reader, remove: (key) => void remove(map.fd, key) } : reader;
}
