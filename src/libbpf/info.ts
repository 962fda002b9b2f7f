import { libbpf } from './library.ts';

const native = libbpf<(fd: number, info: ArrayBufferView, length: Uint32Array) => number>(
  'int bpf_obj_get_info_by_fd(int fd, void *info, void *length)',
);

/** More than struct bpf_prog_info and bpf_link_info have on any kernel so far; the kernel says how much it filled. */
const buffer = new DataView(new ArrayBuffer(512));
const length = new Uint32Array(1);

/** What the kernel says of a program or a link. */
interface KernelInfo {
  /** Its struct, until the next call. */
  readonly view: DataView;
  /** The u64 at an offset; 0 where this kernel has none there. */
  u64(offset: number): number;
}

/** Asks by a file descriptor (struct bpf_prog_info and bpf_link_info of include/uapi/linux/bpf.h); a negative errno where that fails. */
export function kernelInfo(fd: number): KernelInfo | number {
  length[0] = buffer.byteLength;
  // Pointers and counts in it ask for more, so what is left from the last call has to go.
  new Uint8Array(buffer.buffer).fill(0);
  const result = native(fd, buffer, length);
  if (result < 0) return result;
  const filled = length[0];
  return { view: buffer, u64: (offset) => (offset + 8 <= filled ? Number(buffer.getBigUint64(offset, true)) : 0) };
}
