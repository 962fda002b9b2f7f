import { describe, errnoName, LibbpfError, resultOrThrow } from './error.ts';
import { errno, libbpf, libc } from './library.ts';

/** BPF_F_MMAPABLE of include/uapi/linux/bpf.h, since Linux 5.5. */
export const mmapableFlag = 1 << 10;
/** BPF_MAP_TYPE_ARRAY of include/uapi/linux/bpf.h. */
const arrayType = 2;
/** BPF_MAP_TYPE_PERCPU_ARRAY there. */
const perCpuArrayType = 6;
/** O_CLOEXEC of asm-generic/fcntl.h; x86-64 and arm64 have the same. */
const closeOnExec = 0o2000000;

/** A BPF map that exists in the kernel. */
export interface KernelMap {
  readonly name: string;
  /** As MapLayout has it: hash, percpu_hash, lru_hash, array, … */
  readonly type: string;
  /** Belongs to the object that the map was loaded with. */
  readonly fd: number;
  /** Bytes. */
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly mmapable: boolean;
}

type Address = number | null;

const deleteBatchNative = libbpf<(fd: number, keys: ArrayBufferView, count: Uint32Array, options: null) => number>(
  'int bpf_map_delete_batch(int fd, void *keys, void *count, void *opts)',
);
const lookupNative = libbpf<(fd: number, key: number | ArrayBufferView, value: number | ArrayBufferView) => number>(
  'int bpf_map_lookup_elem(int fd, void *key, void *value)',
);
const updateNative = libbpf<(fd: number, key: ArrayBufferView, value: ArrayBufferView, flags: number) => number>(
  'int bpf_map_update_elem(int fd, void *key, void *value, uint64_t flags)',
);
const deleteNative = libbpf<(fd: number, key: ArrayBufferView) => number>('int bpf_map_delete_elem(int fd, void *key)');
const nextKeyNative = libbpf<(fd: number, key: Address, next: Address) => number>(
  'int bpf_map_get_next_key(int fd, void *key, void *next_key)',
);
const createNative = libbpf<
  (type: number, name: string | null, key: number, value: number, max: number, options: ArrayBufferView) => number
>(
  'int bpf_map_create(int map_type, const char *map_name, uint32_t key_size, uint32_t value_size, uint32_t max_entries, void *opts)',
);

const dup3Native = libc<(from: number, to: number, flags: number) => number>('int dup3(int from, int to, int flags)');

/**
 * One call for many entries (Linux 5.6). Keys and values go to the addresses, the place to continue from to `to`;
 * `count[0]` is the room for entries before, and how many came after the call.
 * Returns 0, or a negative errno: -ENOENT with the last entries, -ENOSPC where a hash bucket has more than fit.
 * The memory behind the addresses must be kept alive by the caller.
 */
export type ReadBatch = (
  fd: number,
  from: Address,
  to: number,
  keys: number,
  values: number,
  count: Uint32Array,
) => number;

/** BPF_MAP_LOOKUP_BATCH. */
export const lookupBatch: ReadBatch = readBatch('bpf_map_lookup_batch');

/** The same that removes what it reads, each bucket in one go: BPF_MAP_LOOKUP_AND_DELETE_BATCH, for HASH maps. */
export const takeBatch: ReadBatch = readBatch('bpf_map_lookup_and_delete_batch');

function readBatch(name: string): ReadBatch {
  const native = libbpf<(...parameters: [...Parameters<ReadBatch>, options: null]) => number>(
    `int ${name}(int fd, void *in_batch, void *out_batch, void *keys, void *values, void *count, void *opts)`,
  );
  return (fd, from, to, keys, values, count) => native(fd, from, to, keys, values, count, null);
}

/** BPF_MAP_LOOKUP_ELEM by addresses: 0, or a negative errno; -ENOENT where the key is not there. */
export function lookupElement(fd: number, key: number, value: number): number {
  return lookupNative(fd, key, value);
}

/** BPF_MAP_GET_NEXT_KEY by addresses: 0, or a negative errno; -ENOENT after the last key. The first key comes after null. */
export function nextKey(fd: number, key: number | null, next: number): number {
  return nextKeyNative(fd, key, next);
}

/** Reads one value into `value`, a per-CPU map's for all CPUs; false where the key is not there. Throws MeterError('map'). */
export function lookup(fd: number, key: ArrayBufferView, value: ArrayBufferView): boolean {
  const result = lookupNative(fd, key, value);
  if (result === 0) return true;
  if (errnoName(-result) === 'ENOENT') return false;
  throw describe('map', `map fd ${fd}`, new LibbpfError('bpf_map_lookup_elem', -result, []));
}

/** Writes one value, a per-CPU map's for all CPUs. Throws MeterError('map'). */
export function update(fd: number, key: ArrayBufferView, value: ArrayBufferView): void {
  resultOrThrow('map', `map fd ${fd}`, 'bpf_map_update_elem', () => updateNative(fd, key, value, 0));
}

/** Removes a key; false where it was not there. Throws MeterError('map'). */
export function remove(fd: number, key: ArrayBufferView): boolean {
  const result = deleteNative(fd, key);
  if (result === 0) return true;
  if (errnoName(-result) === 'ENOENT') return false;
  throw describe('map', `map fd ${fd}`, new LibbpfError('bpf_map_delete_elem', -result, []));
}

/** Removes `count` keys in one call. Throws MeterError('map'), also at the first key that is not there. */
export function removeBatch(fd: number, keys: ArrayBufferView, count: number): void {
  const done = Uint32Array.of(count);
  resultOrThrow('map', `map fd ${fd}`, 'bpf_map_delete_batch', () => deleteBatchNative(fd, keys, done, null));
}

/** Creates an ARRAY map with one element of that many bytes that can be mapped into memory; returns its fd, the caller's to close. */
export function createMemoryMap(name: string, bytes: number): number {
  // struct bpf_map_create_opts of bpf.h: its size first, map_flags at 28; the later fields are zero.
  const options = new DataView(new ArrayBuffer(48));
  options.setBigUint64(0, 48n, true);
  options.setUint32(28, mmapableFlag, true);
  return resultOrThrow('load', `map ${name}`, 'bpf_map_create', () =>
    createNative(arrayType, name, 4, bytes, 1, options),
  );
}

/** Creates a PERCPU_ARRAY with one element of 8 bytes a CPU, all zero; returns its fd, the caller's to close. Throws MeterError('load'). */
export function createPerCpuArray(name: string): number {
  const options = new DataView(new ArrayBuffer(48));
  options.setBigUint64(0, 48n, true);
  return resultOrThrow('load', `map ${name}`, 'bpf_map_create', () =>
    createNative(perCpuArrayType, name, 4, 8, 1, options),
  );
}

/** Makes `fd` refer to what `from` refers to; what it referred to before is closed (dup3(2)). Throws MeterError('load'). */
export function replaceFd(subject: string, from: number, fd: number): void {
  if (dup3Native(from, fd, closeOnExec) < 0) throw describe('load', subject, new LibbpfError('dup3', errno(), []));
}
