import { createFunctionNames } from '../kernel/functions.ts';
import { createHooks, type TellHook } from '../kernel/hooks.ts';
import type { AttachKernel } from '../libbpf/attach/kind.ts';

/** What is known of the running kernel's hooks, while programs are loaded: megabytes, until it is disposed. */
export interface KernelHooks extends AttachKernel, Disposable {
  readonly tell: TellHook;
  /**
   * A BPF program of this section was refused for want of rights that nobody can have: from now on hooks of its kind are
   * told to be missing, where a kernel has none or all of a kind. Each would cost a load of the whole object to find out.
   */
  refuse(section: string): void;
}

/** What needs the kernel's trampolines. */
const traced = /^\??(fentry|fexit|fmod_ret)(\.s)?\//;

/** Nothing is read before it is asked for. */
export function readHooks(): KernelHooks {
  const functions = createFunctionNames();
  const hooks = createHooks({ functions });
  let refusesTraced = false;
  return {
    tell: (section) => {
      if (!refusesTraced || !traced.test(section)) return hooks.tell(section);
      return { state: 'missing', reason: 'this kernel refuses fentry and fexit (EPERM)' };
    },
    refuse: (section) => {
      refusesTraced ||= traced.test(section);
    },
    functionVariants: functions.variants,
    [Symbol.dispose]() {
      hooks[Symbol.dispose]();
      functions[Symbol.dispose]();
    },
  };
}
