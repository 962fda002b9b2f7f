import { createFunctionNames } from '../kernel/functions.ts';
import { createHooks, type TellHook } from '../kernel/hooks.ts';
import type { AttachKernel } from '../libbpf/attach/kind.ts';

/** What is known of the running kernel's hooks, while programs are loaded: megabytes, until it is disposed. */
export interface KernelHooks extends AttachKernel, Disposable {
  readonly tell: TellHook;
}

/** Nothing is read before it is asked for. */
export function readHooks(): KernelHooks {
  const functions = createFunctionNames();
  const hooks = createHooks({ functions });
  return {
    tell: hooks.tell,
    functionVariants: functions.variants,
    [Symbol.dispose]() {
      hooks[Symbol.dispose]();
      functions[Symbol.dispose]();
    },
  };
}
