import { libbpfCause } from '../error.ts';
import type { Link } from '../link.ts';
import { auto } from './auto.ts';
import { attachProbe, type ProbePlace } from './function-probe.ts';
import type { AttachKernel, AttachKind, AttachTarget } from './kind.ts';

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
      const variants = libbpfCause(error)?.code === 'ENOENT' ? variantsOf(target, kernel) : [];
      if (variants.length === 0) throw error;
      return attachAll(target, variants);
    }
  },
};

function variantsOf({ section }: AttachTarget, kernel: AttachKernel): ProbePlace[] {
  const [, kind, name = '', offset = '0'] = sections.exec(section.replace(/^\?/, ''))!;
  return kernel
    .functionVariants(name)
    .map((variant) => ({ name: variant, offset: BigInt(offset), onReturn: kind === 'kretprobe' }));
}

function attachAll(target: AttachTarget, places: readonly ProbePlace[]): Link {
  using stack = new DisposableStack();
  for (const place of places) stack.use(attachProbe(target, place));
  return stack.move();
}
