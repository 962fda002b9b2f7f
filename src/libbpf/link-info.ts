import { libbpf, type Pointer } from './library.ts';

const fdNative = libbpf<(link: Pointer) => number>('int bpf_link__fd(void *link)');
const infoNative = libbpf<(fd: number, info: ArrayBufferView, length: Uint32Array) => number>(
  'int bpf_obj_get_info_by_fd(int fd, void *info, void *length)',
);

/** More than struct bpf_link_info has on any kernel so far; the kernel says how much it filled. */
const infoSize = 256;

/** The 8 bytes at an offset in a link's struct bpf_link_info (include/uapi/linux/bpf.h); 0 where the kernel has none there. */
export function linkInfo(link: Pointer, offset: number): bigint {
  const info = new DataView(new ArrayBuffer(infoSize));
  const length = Uint32Array.of(infoSize);
  if (infoNative(fdNative(link), info, length) < 0) return 0n;
  return offset + 8 <= length[0]! ? info.getBigUint64(offset, true) : 0n;
}
