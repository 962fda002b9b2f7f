import { pointerOrThrow } from '../error.ts';
import { libbpf, type Pointer } from '../library.ts';
import { linkOf } from '../link.ts';
import type { AttachKind } from './kind.ts';

const attach = libbpf<(program: Pointer) => Pointer | null>('void *bpf_program__attach(void *prog)');

/** By the section, as libbpf knows it: tracepoints, fentry and fexit, uprobe, usdt, ksyscall and more. */
export const auto: AttachKind = {
  name: 'auto',
  takes: () => true,
  attach: ({ subject, program }) =>
    linkOf(pointerOrThrow('attach', subject, 'bpf_program__attach', () => attach(program))),
};
