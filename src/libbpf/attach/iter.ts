import { closeSync, readSync } from 'node:fs';
import { MeterError } from '../../errors.ts';
import { LibbpfError, pointerOrThrow, resultOrThrow } from '../error.ts';
import { linkFd } from '../handles.ts';
import { libbpf, type Pointer } from '../library.ts';
import { type Link, linkOf } from '../link.ts';
import type { AttachKind } from './kind.ts';

const attachIter = libbpf<(program: Pointer, options: null) => Pointer | null>(
  'void *bpf_program__attach_iter(void *prog, void *opts)',
);
const createIterator = libbpf<(link: number) => number>('int bpf_iter_create(int link_fd)');

/**
 * How often one run reads on at EAGAIN, each time for another million objects: a read that has shown so many and printed
 * nothing gives it (MAX_ITER_OBJECTS of kernel/bpf/bpf_iter.c, Linux 5.9). A program that returned 1 gives it at once.
 */
const readings = 8;

/** What programs print, which nobody reads. */
const printed = new Uint8Array(4096);

/**
 * `iter/TARGET`: a program that the kernel calls for every object of a kind, such as all TCP sockets, whenever it is asked
 * to: Link.iterate. Networks' objects are those of the network namespace that the exporter runs in.
 * Source: Documentation/bpf/bpf_iterators.rst.
 */
export const iter: AttachKind = {
  name: 'iter',
  takes: (section) => /^iter(\.s)?\/./.test(section),
  attach({ subject, program }): Link {
    const pointer = pointerOrThrow('attach', subject, 'bpf_program__attach_iter', () => attachIter(program, null));
    return { ...linkOf(pointer), iterate: () => iterate(subject, linkFd(pointer)) };
  },
};

function iterate(subject: string, link: number): void {
  const fd = resultOrThrow('map', subject, 'bpf_iter_create', () => createIterator(link));
  try {
    for (let reading = 0; reading < readings && !isReadToEnd(subject, fd); reading++);
  } finally {
    closeSync(fd);
  }
}

/** False where the kernel wants to be asked again. */
function isReadToEnd(subject: string, fd: number): boolean {
  try {
    while (readSync(fd, printed) > 0);
    return true;
  } catch (error) {
    const { code, errno = 0 } = error as NodeJS.ErrnoException;
    if (code === 'EAGAIN') return false;
    const cause = new LibbpfError('read', -errno, []);
    throw new MeterError('map', `${subject}: ${cause.message}`, { cause });
  }
}
