import { libbpf, type Pointer } from './library.ts';

const destroy = libbpf<(link: Pointer) => number>('int bpf_link__destroy(void *link)');

/** A program's attachment to its hook; disposing detaches it, a second time does nothing. */
export type Link = Disposable;

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
