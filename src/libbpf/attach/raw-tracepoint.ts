import { pointerOrThrow } from '../error.ts';
import { libbpf, type Pointer } from '../library.ts';
import { type Link, linkOf } from '../link.ts';
import type { AttachTarget } from './kind.ts';

const attachNative = libbpf<(program: Pointer, name: string) => Pointer | null>(
  'void *bpf_program__attach_raw_tracepoint(void *prog, const char *tp_name)',
);

/** Attaches to a tracepoint by its name, without its subsystem; its program's section names none. Throws MeterError('attach'). */
export function attachRawTracepoint(
  { subject, program }: Pick<AttachTarget, 'subject' | 'program'>,
  name: string,
): Link {
  const call = () => attachNative(program, name);
  return linkOf(pointerOrThrow('attach', subject, 'bpf_program__attach_raw_tracepoint', call));
}
