import { pointerOrThrow } from '../error.ts';
import { linkFd } from '../handles.ts';
import { kernelInfo } from '../info.ts';
import { addressOf, keep, libbpf, type Pointer } from '../library.ts';
import { type Link, linkOf } from '../link.ts';
import type { AttachTarget } from './kind.ts';

const attachKprobe = libbpf<(program: Pointer, name: string | null, options: number) => Pointer | null>(
  'void *bpf_program__attach_kprobe_opts(void *prog, const char *func_name, uintptr_t opts)',
);
const attachKprobeMulti = libbpf<(program: Pointer, pattern: null, options: number) => Pointer | null>(
  'void *bpf_program__attach_kprobe_multi_opts(void *prog, const char *pattern, uintptr_t opts)',
);

/** struct bpf_kprobe_opts of libbpf.h: size_t sz, __u64 bpf_cookie, size_t offset, bool retprobe. */
const kprobeOptions = { size: 32, cookie: 8, offset: 16, onReturn: 24 };
/** struct bpf_kprobe_multi_opts: size_t sz, char **syms, unsigned long *addrs, __u64 *cookies, size_t cnt, bool retprobe. */
const multiOptions = { size: 48, names: 8, addresses: 16, cookies: 24, count: 32, onReturn: 40 };

/** Offsets in struct bpf_link_info (include/uapi/linux/bpf.h): kprobe_multi.missed and perf_event.kprobe.missed, since Linux 6.7. */
const missedAt = { multi: 32, single: 48 };

export interface ProbeLink extends Link {
  /** Events that the kernel didn't call the program for, as the probe was hit within itself; 0 before Linux 6.7. */
  missed(): number;
}

type Target = Pick<AttachTarget, 'subject' | 'program'>;

export interface ProbePlace {
  /** Of a function; several that share it are refused by kernels since 6.6. Undefined: `offset` is an address. */
  readonly name: string | undefined;
  /** Bytes from the function's beginning. */
  readonly offset: bigint;
  /** Where the function returns. */
  readonly onReturn: boolean;
  /** What bpf_get_attach_cookie gives, since Linux 5.15; undefined: nothing. */
  readonly cookie?: number | undefined;
}

/** One kprobe or kretprobe. Throws MeterError('attach'). */
export function attachProbe(
  { subject, program }: Target,
  { name, offset, onReturn, cookie = 0 }: ProbePlace,
): ProbeLink {
  const options = new DataView(new ArrayBuffer(kprobeOptions.size));
  options.setBigUint64(0, BigInt(kprobeOptions.size), true);
  options.setBigUint64(kprobeOptions.cookie, BigInt(cookie), true);
  options.setBigUint64(kprobeOptions.offset, offset, true);
  options.setUint8(kprobeOptions.onReturn, onReturn ? 1 : 0);
  const called = `bpf_program__attach_kprobe_opts ${name ?? 'by address'}`;
  const call = () => attachKprobe(program, name ?? null, addressOf(options));
  const link = probeLink(pointerOrThrow('attach', subject, called, call), missedAt.single);
  keep(options);
  return link;
}

/** A function by its name or by where it begins. */
export type FunctionPlace = string | bigint;

/**
 * All functions at once (kprobe.multi, Linux 5.18, where the kernel was built with fprobe), all by name or all by address.
 * The kernel takes all or none. `cookies` has one for each. Throws MeterError('attach').
 */
export function attachProbes(
  { subject, program }: Target,
  places: readonly FunctionPlace[],
  onReturn: boolean,
  cookies: readonly number[],
): ProbeLink {
  const byAddress = places.every((place) => typeof place === 'bigint');
  const texts = byAddress ? [] : places.map((place) => Buffer.from(`${place}\0`));
  const pointers = byAddress ? places : texts.map((text) => BigInt(addressOf(text)));
  const list = BigUint64Array.from(pointers);
  const numbers = BigUint64Array.from(cookies, BigInt);
  const options = new DataView(new ArrayBuffer(multiOptions.size));
  options.setBigUint64(0, BigInt(multiOptions.size), true);
  options.setBigUint64(byAddress ? multiOptions.addresses : multiOptions.names, BigInt(addressOf(list)), true);
  options.setBigUint64(multiOptions.cookies, BigInt(addressOf(numbers)), true);
  options.setBigUint64(multiOptions.count, BigInt(places.length), true);
  options.setUint8(multiOptions.onReturn, onReturn ? 1 : 0);
  const call = () => attachKprobeMulti(program, null, addressOf(options));
  const pointer = pointerOrThrow('attach', subject, 'bpf_program__attach_kprobe_multi_opts', call);
  const link = probeLink(pointer, missedAt.multi);
  keep(options, list, numbers, ...texts);
  return link;
}

function probeLink(pointer: Pointer, offset: number): ProbeLink {
  const link = linkOf(pointer);
  let attached = true;
  return {
    missed() {
      const info = attached ? kernelInfo(linkFd(pointer)) : 0;
      return typeof info === 'number' ? 0 : info.u64(offset);
    },
    [Symbol.dispose]() {
      attached = false;
      link[Symbol.dispose]();
    },
  };
}
