import { constants } from 'node:os';
import type { MeterError } from '../../errors.ts';
import { describe, LibbpfError, lastWords, libbpfCause, pointerOrThrow } from '../error.ts';
import { errno, libbpf, libc, type Pointer } from '../library.ts';
import { type Link, linkOf } from '../link.ts';
import type { AttachKind, AttachTarget } from './kind.ts';

const attachXdp = libbpf<(program: Pointer, interfaceIndex: number) => Pointer | null>(
  'void *bpf_program__attach_xdp(void *prog, int ifindex)',
);
const nameToIndex = libc<(name: string) => number>('unsigned int if_nametoindex(const char *ifname)');

const sections = /^xdp(?:\.frags)?(?:\/(.+))?$/;

/**
 * `xdp/INTERFACE`, as programs of ebpf_exporter have it, is attached to that interface; `xdp` to those that the operator
 * names: in the driver where that can run it, else in the kernel's generic way. The kernel detaches it when the process
 * ends, however it ends, since it is a bpf_link (Linux 5.9).
 */
export const xdp: AttachKind = {
  name: 'xdp',
  takes: (section) => sections.test(section),
  // BPF_PROG_TYPE_XDP and BPF_XDP. libbpf knows neither of `xdp/INTERFACE`.
  programType: 6,
  expectedAttachType: 37,
  attach(target): Link {
    const [, named] = sections.exec(target.section.replace(/^\?/, ''))!;
    const interfaces = named === undefined ? target.interfaces : [named];
    if (interfaces.length === 0) {
      const said = 'no network interface is named for it to attach to';
      const cause = new LibbpfError('bpf_program__attach_xdp', constants.errno.ENODEV, [said]);
      const remedy =
        'Name some in the configuration: distribution: {ebpf_meter: {programs: {NAME: {interfaces: [eth0]}}}}';
      throw describe('attach', target.subject, cause, remedy);
    }
    return attachAll(target, interfaces);
  },
};

/** Interfaces that can't be attached to cost only themselves, unless all are. */
function attachAll(target: AttachTarget, interfaces: readonly string[]): Link {
  using stack = new DisposableStack();
  const causes = new Map<string, LibbpfError>();
  for (const name of interfaces) {
    try {
      stack.use(attachTo(name, target));
    } catch (error) {
      const cause = libbpfCause(error);
      if (cause === undefined) throw error;
      causes.set(name, cause);
    }
  }
  const problem = causes.size > 0 ? problemOf(causes, target.subject) : undefined;
  if (problem !== undefined && causes.size === interfaces.length) throw problem;
  const links = stack.move();
  return { ...(problem && { problem }), [Symbol.dispose]: () => links.dispose() };
}

function attachTo(name: string, { subject, program }: AttachTarget): Link {
  const index = nameToIndex(name);
  if (index === 0) throw describe('attach', subject, new LibbpfError('if_nametoindex', errno(), ['there is none']));
  return linkOf(pointerOrThrow('attach', subject, 'bpf_program__attach_xdp', () => attachXdp(program, index)));
}

/** One error for all of them, with the first one's errno. */
function problemOf(causes: ReadonlyMap<string, LibbpfError>, subject: string): MeterError {
  const [first] = causes.values();
  const words = [...causes].map(([name, { code, messages }]) => `interface "${name}": ${lastWords(messages) ?? code}`);
  const cause = new LibbpfError('bpf_program__attach_xdp', first!.errno, [words.join('; ')]);
  return describe('attach', subject, cause, remedyFor(first!));
}

function remedyFor({ code }: LibbpfError): string | undefined {
  if (code === 'ENODEV' || code === 'ENXIO')
    return 'Interfaces are called as `ip link` shows them in the network namespace of the exporter';
  if (code === 'EBUSY') return 'The interface has an XDP program already: `ip link show dev NAME` says which';
  return undefined;
}
