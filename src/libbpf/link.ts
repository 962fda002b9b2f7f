import { pointerOrThrow } from './error.ts';
import { libbpf, type Pointer } from './library.ts';

const attachNative = libbpf<(program: Pointer) => Pointer | null>('void *bpf_program__attach(void *prog)');
const destroyNative = libbpf<(link: Pointer) => number>('int bpf_link__destroy(void *link)');

/** A program's attachment to its hook; disposing detaches it. */
export type Link = Disposable;

/** Attaches by the program's section, as libbpf knows it. Throws MeterError('attach'). */
export function attachProgram(subject: string, program: Pointer): Link {
  let link: Pointer | undefined = pointerOrThrow('attach', subject, 'bpf_program__attach', () => attachNative(program));
  return {
    [Symbol.dispose]() {
      if (link !== undefined) destroyNative(link);
      link = undefined;
    },
  };
}
