import { describe, LibbpfError, libbpfCause, pointerOrThrow } from '../error.ts';
import { libbpf, type Pointer } from '../library.ts';
import { linkOf } from '../link.ts';
import type { AttachKind } from './kind.ts';

const attach = libbpf<(program: Pointer) => Pointer | null>('void *bpf_program__attach(void *prog)');

/** By the section, as libbpf knows it: tracepoints, fentry and fexit, uprobe, usdt, ksyscall and more. */
export const auto: AttachKind = {
  name: 'auto',
  takes: () => true,
  attach({ subject, section, program }) {
    try {
      return linkOf(pointerOrThrow('attach', subject, 'bpf_program__attach', () => attach(program)));
    } catch (error) {
      const cause = libbpfCause(error);
      // libbpf says nothing where it is it that can't, not the kernel.
      if (cause?.code !== 'EOPNOTSUPP' || cause.messages.length > 0) throw error;
      const said = `the section "${section}" doesn't say what to attach to`;
      const remedy =
        'Attach it with other tools, such as tc or bpftool, or leave it out by a "?" in front of its section';
      throw describe('attach', subject, new LibbpfError('bpf_program__attach', cause.errno, [said]), remedy);
    }
  },
};
