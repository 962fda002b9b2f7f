import { libbpf, type Pointer } from './library.ts';
import { mmapableFlag } from './map.ts';

const mapNameNative = libbpf<(map: Pointer) => string>('const char *bpf_map__name(void *map)');
const mapTypeNative = libbpf<(map: Pointer) => number>('int bpf_map__type(void *map)');
const mapKeySize = libbpf<(map: Pointer) => number>('uint32_t bpf_map__key_size(void *map)');
const mapValueSize = libbpf<(map: Pointer) => number>('uint32_t bpf_map__value_size(void *map)');
const mapMaxEntriesNative = libbpf<(map: Pointer) => number>('uint32_t bpf_map__max_entries(void *map)');
const mapFdNative = libbpf<(map: Pointer) => number>('int bpf_map__fd(void *map)');
const mapFlags = libbpf<(map: Pointer) => number>('uint32_t bpf_map__map_flags(void *map)');
const mapInternal = libbpf<(map: Pointer) => boolean>('bool bpf_map__is_internal(void *map)');
const typeString = libbpf<(type: number) => string | null>('const char *libbpf_bpf_map_type_str(int type)');
const programFdNative = libbpf<(program: Pointer) => number>('int bpf_program__fd(void *prog)');
const linkFdNative = libbpf<(link: Pointer) => number>('int bpf_link__fd(void *link)');
const programNameNative = libbpf<(program: Pointer) => string>('const char *bpf_program__name(void *prog)');

/** As in C; that of a data section has the object's name in front. */
export function mapName(map: Pointer): string {
  return mapNameNative(map);
}

/** hash, percpu_hash, lru_hash, array, …; `type N` where libbpf is older than the type. */
export function mapTypeName(map: Pointer): string {
  const type = mapTypeNative(map);
  return typeString(type) ?? `type ${type}`;
}

/** Bytes of a key and of one CPU's value. */
export function mapSizes(map: Pointer): { readonly keySize: number; readonly valueSize: number } {
  return { keySize: mapKeySize(map), valueSize: mapValueSize(map) };
}

/** Entries that there is room for; of an array all there are. */
export function mapMaxEntries(map: Pointer): number {
  return mapMaxEntriesNative(map);
}

/** Whether its memory can be mapped. */
export function mapIsMmapable(map: Pointer): boolean {
  return (mapFlags(map) & mmapableFlag) !== 0;
}

/** The object's, which closes it. */
export function mapFd(map: Pointer): number {
  return mapFdNative(map);
}

/** Whether libbpf made the map, for a data section. */
export function mapIsInternal(map: Pointer): boolean {
  return mapInternal(map);
}

/** That of the C function. */
export function programName(program: Pointer): string {
  return programNameNative(program);
}

/** The object's, which closes it; negative of a program that isn't loaded. */
export function programFd(program: Pointer): number {
  return programFdNative(program);
}

/** The link's, which closes it. */
export function linkFd(link: Pointer): number {
  return linkFdNative(link);
}
