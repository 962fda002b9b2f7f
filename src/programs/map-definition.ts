import type { MapLayout } from '../btf/types.ts';

/** Types that have no keys, of those that a kernel makes with a size of the value. */
const keyless: ReadonlySet<string> = new Set(['queue', 'stack', 'bloom_filter']);
/** Types that have neither keys nor values that anybody gives. */
const sizeless: ReadonlySet<string> = new Set(['ringbuf', 'user_ringbuf', 'arena', 'perf_event_array']);

/** What the definition of a map lacks that its type needs, as it is called in C; libbpf and the kernel say only EINVAL. */
export function missingOf({ type, keySize, valueSize, maxEntries }: MapLayout): readonly string[] {
  const isStorage = type.endsWith('_storage');
  const hasKey = !keyless.has(type) && !sizeless.has(type);
  return [
    ...(hasKey && keySize === 0 ? ['key (or key_size)'] : []),
    ...(!sizeless.has(type) && valueSize === 0 ? ['value (or value_size)'] : []),
    // libbpf fills in that of a perf event array.
    ...(!isStorage && type !== 'perf_event_array' && maxEntries === 0 ? ['max_entries'] : []),
  ];
}
