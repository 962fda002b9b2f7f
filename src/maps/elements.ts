import { MeterError } from '../errors.ts';
import { errnoName } from '../libbpf/error.ts';
import { type KernelMap, lookupElement, nextKey } from '../libbpf/map.ts';
import { EntryBuffers } from './buffers.ts';
import type { Entries } from './reading.ts';
import { readError, type Shape } from './shape.ts';

const firstCapacity = 256;
/** How often a reading may be thrown back to the first key by a key that is removed under it. */
const restarts = 16;

/**
 * Reads a map key by key, some ten times dearer than batches: for kernels and map types that have none.
 * An ARRAY is read by its indexes. Elsewhere a key that is removed while it is the place to go on from
 * throws the kernel back to the first key (bpf_map_get_next_key in bpf(2)); keys seen before are then left out.
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
  const cursor = new EntryBuffers(map.keySize, 0, 1);
  const from = cursor.keyAt(0);
  const fromBytes = cursor.key(0);
  const seen = new Set<string>();

  return () => {
    seen.clear();
    let total = 0;
    let steps = 0;
    for (let result = nextKey(map.fd, null, from); ; result = nextKey(map.fd, from, from)) {
      if (result < 0) {
        if (errnoName(-result) === 'ENOENT') return buffers.entries(total);
        throw readError(map, 'bpf_map_get_next_key', -result);
      }
      if (++steps > (map.maxEntries + 1) * restarts) {
        throw new MeterError('map', `map ${map.name}: keys are removed faster than they can be read one by one`);
      }
      const name = Buffer.from(fromBytes.buffer, fromBytes.byteOffset, fromBytes.length).toString('latin1');
      if (seen.has(name)) continue;
      seen.add(name);
      buffers.reserve(total, total + 1);
      const found = lookupElement(map.fd, from, buffers.valueAt(total));
      if (found === 0) {
        buffers.key(total).set(fromBytes);
        total++;
      } else if (errnoName(-found) !== 'ENOENT') {
        throw readError(map, 'bpf_map_lookup_elem', -found);
      }
    }
  };
}
