import { MeterError } from '../errors.ts';
import { errnoName } from '../libbpf/error.ts';
import { allocate } from '../libbpf/library.ts';
import { type KernelMap, lookupElement, nextKey } from '../libbpf/map.ts';
import { EntryBuffers } from './buffers.ts';
import type { Entries } from './reading.ts';
import { readError, type Shape } from './shape.ts';

const firstCapacity = 256;
/** How many times as many keys as the map can hold a reading may pass before it gives up. */
const rounds = 16;

/**
 * Reads a map key by key, some ten times dearer than batches: for kernels and map types that have none.
 * An ARRAY is read by its indexes. Elsewhere a key that is removed while it is the place to go on from
 * throws the kernel back to the first key (BPF_MAP_GET_NEXT_KEY in bpf(2)); keys seen before are then left out.
 * The function throws MeterError('map') where the kernel refuses, or keys go faster than they can be read.
 */
export function elementsReader(map: KernelMap, shape: Shape): () => Entries {
  return map.type.endsWith('array') ? indexReader(map, shape) : keyReader(map, shape);
}

function indexReader(map: KernelMap, shape: Shape): () => Entries {
  const buffers = new EntryBuffers(map.keySize, shape.valueStride, map.maxEntries);
  const { keys } = buffers.entries(map.maxEntries);
  new Uint32Array(keys.buffer, 0, map.maxEntries).forEach((_, index, indexes) => {
    indexes[index] = index;
  });
  return () => {
    for (let index = 0; index < map.maxEntries; index++) {
      const result = lookupElement(map.fd, buffers.keyAt(index), buffers.valueAt(index));
      if (result < 0) throw readError(map, 'bpf_map_lookup_elem', -result);
    }
    return buffers.entries(map.maxEntries);
  };
}

function keyReader(map: KernelMap, shape: Shape): () => Entries {
  const buffers = new EntryBuffers(map.keySize, shape.valueStride, Math.min(firstCapacity, map.maxEntries));
  // The place to go on from, apart from the entries: it moves on over keys that vanished.
  const cursor = allocate(map.keySize);
  const cursorText = Buffer.from(cursor.bytes.buffer);
  const seen = new Set<string>();

  return () => {
    seen.clear();
    let total = 0;
    let from: number | null = null;
    let first: string | undefined;
    let back = 0;
    for (let step = 0; step < (map.maxEntries + 1) * rounds; step++) {
      const result = nextKey(map.fd, from, cursor.address);
      if (result < 0) {
        if (errnoName(-result) === 'ENOENT') return buffers.entries(total);
        throw readError(map, 'bpf_map_get_next_key', -result);
      }
      const name = cursorText.toString('latin1');
      if (name === first && back < total) {
        // Thrown back: the key to go on from was removed. One that was read before it may still be there.
        back++;
        from = buffers.keyAt(total - back);
        continue;
      }
      back = 0;
      first ??= name;
      from = cursor.address;
      if (seen.has(name)) continue;
      seen.add(name);
      buffers.reserve(total, total + 1);
      const found = lookupElement(map.fd, cursor.address, buffers.valueAt(total));
      if (found === 0) {
        buffers.key(total).set(cursor.bytes);
        total++;
      } else if (errnoName(-found) !== 'ENOENT') {
        throw readError(map, 'bpf_map_lookup_elem', -found);
      }
    }
    throw new MeterError('map', `map ${map.name}: keys are removed faster than they can be read one by one`);
  };
}
