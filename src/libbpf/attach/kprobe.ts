import { LibbpfError, pointerOrThrow } from '../error.ts';
import { addressOf, libbpf, type Pointer } from '../library.ts';
import { type Link, linkOf } from '../link.ts';
import { auto } from './auto.ts';
import type { AttachKernel, AttachKind, AttachTarget } from './kind.ts';

const attachKprobe = libbpf<(program: Pointer, name: string, options: number) => Pointer | null>(
  'void *bpf_program__attach_kprobe_opts(void *prog, const char *func_name, uintptr_t opts)',
);

/** struct bpf_kprobe_opts of libbpf.h: size_t sz, __u64 bpf_cookie, size_t offset, bool retprobe. */
const optionsSize = 32;
const sections = /^(kprobe|kretprobe)\/([A-Za-z0-9_.]+)(?:\+(0[xX][0-9a-fA-F]+|[0-9]+))?$/;

/**
 * `kprobe/NAME` and `kretprobe/NAME`. Where the kernel has no such function but the compiler's clones of it, `NAME.isra.0`
 * or `NAME.constprop.0`, all of them are probed: each stands for some of the callers. Arguments that the compiler has left
 * out of a clone aren't in its registers, so a program for such functions can trust only what it has tried.
 */
export const kprobe: AttachKind = {
  name: 'kprobe',
  takes: (section) => sections.test(section),
  attach(target, kernel) {
    try {
      return auto.attach(target, kernel);
    } catch (error) {
      const variants = isMissing(error) ? variantsOf(target, kernel) : [];
      if (variants.length === 0) throw error;
      return attachAll(target, variants);
    }
  },
};

interface Place {
  readonly name: string;
  /** Bytes from the function's beginning. */
  readonly offset: number;
  readonly onReturn: boolean;
}

function variantsOf({ section }: AttachTarget, kernel: AttachKernel): Place[] {
  const [, kind, name = '', offset = '0'] = sections.exec(section.replace(/^\?/, ''))!;
  return kernel
    .functionVariants(name)
    .map((variant) => ({ name: variant, offset: Number(offset), onReturn: kind === 'kretprobe' }));
}

function attachAll({ subject, program }: AttachTarget, places: readonly Place[]): Link {
  using stack = new DisposableStack();
  for (const { name, offset, onReturn } of places) {
    const options = new DataView(new ArrayBuffer(optionsSize));
    options.setBigUint64(0, BigInt(optionsSize), true);
    options.setBigUint64(16, BigInt(offset), true);
    options.setUint8(24, onReturn ? 1 : 0);
    const call = () => attachKprobe(program, name, addressOf(options));
    stack.use(linkOf(pointerOrThrow('attach', subject, `bpf_program__attach_kprobe_opts ${name}`, call)));
    // Used after the call, so that it isn't freed before it.
    options.getUint8(0);
  }
  const links = stack.move();
  return { [Symbol.dispose]: () => links.dispose() };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof LibbpfError && error.cause.code === 'ENOENT';
}
