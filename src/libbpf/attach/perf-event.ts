import { closeSync } from 'node:fs';
import { MeterError } from '../../errors.ts';
import { EachCpu, followCpus, type OnCpu } from '../each-cpu.ts';
import { describe, LibbpfError, libbpfCause, pointerOrThrow } from '../error.ts';
import { libbpf, type Pointer } from '../library.ts';
import { linkOf } from '../link.ts';
import { openPerfEventIfOnline, type PerfEventAttributes, readEnabled } from '../perf-event.ts';
import type { AttachKind } from './kind.ts';

const attachNative = libbpf<(program: Pointer, fd: number) => Pointer | null>(
  'void *bpf_program__attach_perf_event(void *prog, int pfd)',
);

const section = /^perf_event\/(.*)$/;

/**
 * `perf_event/type=T,config=C,frequency=F` or `,sample_period=P`, ebpf_exporter's, in any order: one event per CPU; one that
 * comes online later is sampled from when it is noticed, within a second. Numbers are decimal or hexadecimal (0x…), as
 * perf_event_open(2) has them; what isn't named of type and config is 0, as there.
 */
export const perfEvent: AttachKind = {
  name: 'perf_event',
  takes: (name) => section.test(name),
  // BPF_PROG_TYPE_PERF_EVENT
  programType: 7,
  attach({ subject, section: name, program }) {
    const attributes = parsePerfEventSection(subject, name);
    using stack = new DisposableStack();
    const events = stack.use(new EachCpu((cpu) => attachOn(cpu, subject, program, attributes)));
    stack.use(followCpus(`${subject}: CPUs`, events));
    const all = stack.move();
    return {
      follow: () => events.follow(),
      get unwatchedMs() {
        return events.unwatchedMs;
      },
      [Symbol.dispose]: () => all.dispose(),
    };
  },
};

function attachOn(cpu: number, subject: string, program: Pointer, attributes: PerfEventAttributes): OnCpu | undefined {
  const fd = open(subject, attributes, cpu);
  if (fd === undefined) return undefined;
  try {
    // The link closes the event.
    const link = linkOf(
      pointerOrThrow('attach', subject, 'bpf_program__attach_perf_event', () => attachNative(program, fd)),
    );
    return { ...link, enabled: () => readEnabled(subject, fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function open(subject: string, attributes: PerfEventAttributes, cpu: number): number | undefined {
  try {
    return openPerfEventIfOnline('attach', subject, attributes, cpu, undefined);
  } catch (error) {
    const cause = libbpfCause(error);
    if (cause?.code === 'ENOENT' || cause?.code === 'EOPNOTSUPP') {
      const said = "no PMU counts this event: hardware events aren't there on this machine";
      const remedy =
        'Virtual machines have a PMU where their host gives them one (vPMU); software events are always there';
      throw describe('attach', subject, new LibbpfError('perf_event_open', cause.errno, [said]), remedy);
    }
    throw error;
  }
}

/** What a section, with or without a `?` in front, asks of perf_event_open(2). Throws MeterError('attach'). */
export function parsePerfEventSection(subject: string, name: string): PerfEventAttributes {
  const wrong = (why: string) =>
    new MeterError('attach', `${subject}: section "${name}": ${why}`, {
      remedy: 'Write it as perf_event/type=T,config=C,frequency=F or perf_event/type=T,config=C,sample_period=P',
    });
  const values = new Map<string, bigint>();
  for (const item of section.exec(name.replace(/^\?/, ''))![1]!.split(',')) {
    const [, key, text] = /^(type|config|frequency|sample_period)=(.*)$/.exec(item) ?? [];
    if (key === undefined || text === undefined) throw wrong(`"${item}" is nothing that is known`);
    if (!/^(\d+|0x[\da-f]+)$/i.test(text)) throw wrong(`"${text}" is no number`);
    if (values.has(key)) throw wrong(`"${key}" is there twice`);
    values.set(key, BigInt.asUintN(64, BigInt(text)));
  }
  const [frequency, period] = [values.get('frequency'), values.get('sample_period')];
  if ((frequency === undefined) === (period === undefined)) throw wrong('one of frequency and sample_period is needed');
  const sampling = frequency === undefined ? { period: period! } : { frequency };
  return { type: Number(values.get('type') ?? 0n), config: values.get('config') ?? 0n, sampling };
}
