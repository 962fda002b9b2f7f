import { resultOrThrow } from '../src/libbpf/error.ts';
import { libbpf } from '../src/libbpf/library.ts';

const native = libbpf<
  (fd: number, keys: ArrayBufferView, values: ArrayBufferView, count: Uint32Array, options: null) => number
>('int bpf_map_update_batch(int fd, void *keys, void *values, void *count, void *opts)');

/**
 * Writes `count` entries into a map in one call, keys and values packed; a per-CPU value has all CPUs, each rounded up to
 * 8 bytes. Throws MeterError('map'), also when the map is full. The exporter itself writes no maps that large.
 */
export function updateBatch(fd: number, keys: ArrayBufferView, values: ArrayBufferView, count: number): void {
  const done = Uint32Array.of(count);
  resultOrThrow('map', `map fd ${fd}`, 'bpf_map_update_batch', () => native(fd, keys, values, done, null));
}
