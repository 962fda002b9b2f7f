import { closeSync } from 'node:fs';
import { MeterError } from '../../errors.ts';
import { onlineCpus } from '../../kernel/cpus.ts';
import { LibbpfError, pointerOrThrow } from '../error.ts';
import { libbpf, type Pointer } from '../library.ts';
import { type Link, linkOf } from '../link.ts';
import { openPerfEvent, type PerfEventAttributes } from '../perf-event.ts';
import type { AttachKind } from './kind.ts';

const attachNative = libbpf<(program: Pointer, fd: number) => Pointer | null>(
  'void *bpf_program__attach_perf_event(void *prog, int pfd)',
);

const section = /^perf_event\/type=(\w+),config=(\w+),(frequency|sample_period)=(\w+)$/;

/**
 * `perf_event/type=T,config=C,frequency=F` or `,sample_period=P`, ebpf_exporter's: one event per CPU that is online when it
 * is attached; a CPU that comes later is not sampled. Numbers are decimal or hexadecimal (0x…), as perf_event_open(2) has
 * them.
 */
export const perfEvent: AttachKind = {
  name: 'perf_event',
  takes: (name) => section.test(name),
  // BPF_PROG_TYPE_PERF_EVENT
  programType: 7,
  attach({ subject, section: name, program }) {
    const attributes = parse(subject, name);
    using stack = new DisposableStack();
    for (const cpu of onlineCpus().numbers) stack.use(attachOn(cpu, subject, program, attributes));
    const links = stack.move();
    return { [Symbol.dispose]: () => links.dispose() };
  },
};

function attachOn(cpu: number, subject: string, program: Pointer, attributes: PerfEventAttributes): Link {
  const fd = open(subject, attributes, cpu);
  try {
    // The link closes the event.
    return linkOf(pointerOrThrow('attach', subject, 'bpf_program__attach_perf_event', () => attachNative(program, fd)));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function open(subject: string, attributes: PerfEventAttributes, cpu: number): number {
  try {
    return openPerfEvent('attach', subject, attributes, cpu, undefined);
  } catch (error) {
    const cause = error instanceof MeterError ? error.cause : undefined;
    if (cause instanceof LibbpfError && (cause.code === 'ENOENT' || cause.code === 'EOPNOTSUPP')) {
      const message = `${subject}: ${cause.code}: no PMU counts this event: hardware events aren't there on this machine`;
      throw new MeterError('attach', message, {
        cause,
        remedy: 'Virtual machines have a PMU where their host gives them one (vPMU); software events are always there',
      });
    }
    throw error;
  }
}

function parse(subject: string, name: string): PerfEventAttributes {
  const [, type, config, unit, value] = section.exec(name.replace(/^\?/, ''))!;
  const number = (text: string): bigint => {
    if (/^(\d+|0x[\da-f]+)$/i.test(text)) return BigInt.asUintN(64, BigInt(text));
    throw new MeterError('attach', `${subject}: section "${name}": "${text}" is no number`);
  };
  const sampling = unit === 'frequency' ? { frequency: number(value!) } : { period: number(value!) };
  return { type: Number(number(type!)), config: number(config!), sampling };
}
