import type { MeterError } from '../errors.ts';
import { libbpf, type Pointer } from './library.ts';

const destroy = libbpf<(link: Pointer) => number>('int bpf_link__destroy(void *link)');

/** A program's attachment to its hook; disposing detaches it, a second time does nothing. */
export interface Link extends Disposable {
  /** Of an iterator: calls the program for every object that there is now. Throws MeterError('map'). */
  readonly iterate?: () => void;
  /** Of one that is attached on every CPU: notices those that came, or were gone meanwhile. Throws MeterError. */
  readonly follow?: () => void;
  /** Of the same: CPU time, at most, in milliseconds, in which it missed a CPU that had just come. */
  readonly unwatchedMs?: number;
  /** Of a program with several hooks: those that it isn't attached to, and why. */
  readonly problem?: MeterError;
}

/** Owns a struct bpf_link of libbpf. */
export function linkOf(pointer: Pointer): Link {
  let link: Pointer | undefined = pointer;
  return {
    [Symbol.dispose]() {
      if (link !== undefined) destroy(link);
      link = undefined;
    },
  };
}
