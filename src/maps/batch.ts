import { errnoName } from '../libbpf/error.ts';
import { allocate } from '../libbpf/library.ts';
import { type KernelMap, lookupBatch, type ReadBatch, takeBatch } from '../libbpf/map.ts';
import { EntryBuffers } from './buffers.ts';
import type { Entries } from './reading.ts';
import { readError, type Shape } from './shape.ts';

/** Entries asked for at once: the time in one system call stays below a millisecond, and larger chunks gain nothing. */
const chunkEntries = 4096;
/** Bytes asked for at once, for maps with wide values and many CPUs. */
const chunkBytes = 2 << 20;
/** A bucket of a hash map comes whole or not at all, so a crowded one asks for more; where that ends. */
const largestChunk = 1 << 24;

/** Errors of a kernel that has no batches for this type of map. Source: bpf_map_do_batch in kernel/bpf/syscall.c. */
const unsupported: ReadonlySet<string> = new Set(['ENOTSUPP', 'EOPNOTSUPP', 'EINVAL', 'EINTR']);

/** Whether the kernel refused a batch since it knows none for this map, rather than because the reading went wrong. */
export class BatchUnsupported extends Error {
  override readonly name = 'BatchUnsupported';
}

/**
 * Reads a whole map by BPF_MAP_LOOKUP_BATCH, chunk after chunk into one growing buffer.
 * A hash map comes bucket by bucket, each under its lock, and a key never changes its bucket: so no key comes twice,
 * and one that is added or removed meanwhile is there or not.
 * The function throws BatchUnsupported where the kernel can't (until 5.6; PERCPU_ARRAY until 5.13), MeterError('map') for anything else.
 */
export function batchReader(map: KernelMap, shape: Shape): () => Entries {
  return readerBy(lookupBatch, 'bpf_map_lookup_batch', map, shape);
}

/** The same, but what is read is removed, of a HASH map: each entry is read once, as it was when it went. */
export function batchTaker(map: KernelMap, shape: Shape): () => Entries {
  return readerBy(takeBatch, 'bpf_map_lookup_and_delete_batch', map, shape);
}

function readerBy(batch: ReadBatch, name: string, map: KernelMap, shape: Shape): () => Entries {
  const entryBytes = map.keySize + shape.valueStride;
  const usualChunk = Math.max(1, Math.min(chunkEntries, map.maxEntries, Math.floor(chunkBytes / entryBytes)));
  const buffers = new EntryBuffers(map.keySize, shape.valueStride, usualChunk);
  // Where the next call goes on: a bucket's number for hash maps, a key for the others.
  const token = allocate(Math.max(8, map.keySize));
  const count = new Uint32Array(1);
  let chunk = usualChunk;

  return () => {
    let total = 0;
    let from: number | null = null;
    for (;;) {
      buffers.reserve(total, total + chunk);
      count[0] = chunk;
      const result = batch(map.fd, from, token.address, buffers.keyAt(total), buffers.valueAt(total), count);
      const got = count[0];
      if (result === 0) {
        total += got;
        from = token.address;
        continue;
      }
      const code = errnoName(-result);
      if (code === 'ENOENT') return buffers.entries(total + got);
      if (code === 'ENOSPC' && chunk < largestChunk) {
        // The next bucket has more entries than there was room for. The kernel wrote none of them and leaves the token.
        chunk *= 2;
        continue;
      }
      if (unsupported.has(code)) throw new BatchUnsupported(`map ${map.name}: ${code}`);
      throw readError(map, name, -result);
    }
  };
}
