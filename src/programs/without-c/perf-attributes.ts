import { existsSync, readFileSync } from 'node:fs';
import type { PerfEventPlan, PmuEvent } from '../../config/plan.ts';
import { parsePerfEvent } from '../../config/without-c/perf-event-names.ts';
import { MeterError } from '../../errors.ts';
import { parseCpuList } from '../../kernel/cpus.ts';
import { eventsFolder } from '../../kernel/tracefs.ts';
import type { PerfEventAttributes } from '../../libbpf/perf-event.ts';

interface PerfAttributesOptions {
  /** Put in front of /sys: a folder of files in tests; '' unless set. */
  readonly root?: string;
}

/** PERF_TYPE_TRACEPOINT of include/uapi/linux/perf_event.h. */
const tracepointType = 2;

/**
 * What the kernel is asked for an event, with what only this machine knows: a tracepoint's number, a unit's type and format.
 * Undefined where the machine has no such unit. Throws MeterError('attach') where there is no such tracepoint or term, or
 * it can't be read.
 */
export function perfAttributes(
  { name, event, excludes }: PerfEventPlan,
  { root = '' }: PerfAttributesOptions = {},
): PerfEventAttributes | undefined {
  switch (event.kind) {
    case 'code':
      return { type: event.type, config: event.config, excludes };
    case 'tracepoint':
      return { type: tracepointType, config: tracepointId(event.category, event.name, root), excludes };
    case 'pmu': {
      const configs = pmuConfigs(name, event, root);
      return configs && { ...configs, excludes };
    }
  }
}

function tracepointId(category: string, name: string, root: string): bigint {
  const subject = `tracepoint ${category}:${name}`;
  const folder = eventsFolder(root);
  if (folder === undefined) {
    throw new MeterError('attach', `${subject}: tracefs is not mounted, or not readable`, {
      remedy: 'Mount it: mount -t tracefs tracefs /sys/kernel/tracing; reading it takes root or CAP_DAC_READ_SEARCH',
    });
  }
  try {
    return BigInt(readFileSync(`${folder}/${category}/${name}/id`, 'utf8').trim());
  } catch (cause) {
    const remedy = 'The folders in /sys/kernel/tracing/events are what there is';
    throw new MeterError('attach', `${subject}: this kernel has none of that name`, { cause, remedy });
  }
}

type Configs = Pick<PerfEventAttributes, 'type' | 'config' | 'config1' | 'config2'>;

/** Source: Documentation/ABI/testing/sysfs-bus-event_source-devices-format of the kernel. */
function pmuConfigs(name: string, { unit, terms }: PmuEvent, root: string): Configs | undefined {
  const folder = `${root}/sys/bus/event_source/devices/${unit}`;
  if (!existsSync(folder)) return undefined;
  const read = (file: string) => readFileSync(`${folder}/${file}`, 'utf8').trim();
  const configs = { config: 0n, config1: 0n, config2: 0n };
  for (const [term, value] of expanded(name, terms, folder)) {
    if (term === 'config' || term === 'config1' || term === 'config2') {
      configs[term] |= value;
      continue;
    }
    if (!existsSync(`${folder}/format/${term}`)) throw unknownTerm(name, unit, term);
    const [, field, ranges] = /^(config[12]?):([\d,-]+)$/.exec(read(`format/${term}`)) ?? [];
    if (field === undefined) throw unknownTerm(name, unit, term);
    const { bits, rest } = spread(value, ranges!);
    if (rest !== 0n) {
      throw new MeterError(
        'attach',
        `perf event "${name}": ${term}=0x${value.toString(16)} is more than bits ${ranges} hold`,
      );
    }
    configs[field as keyof typeof configs] |= bits;
  }
  return { type: Number(read('type')), ...configs };
}

/** The unit's own events are short for terms: `tsc` is `event=0x00`. */
function expanded(name: string, terms: ReadonlyMap<string, bigint>, folder: string): [string, bigint][] {
  return [...terms].flatMap(([term, value]): [string, bigint][] => {
    const file = `${folder}/events/${term}`;
    if (value !== 1n || existsSync(`${folder}/format/${term}`) || !existsSync(file)) return [[term, value]];
    const event = parsePerfEvent(`unit/${readFileSync(file, 'utf8').trim()}/`);
    if ('error' in event || event.event.kind !== 'pmu') {
      throw new MeterError('attach', `perf event "${name}": the kernel says of "${term}" what isn't terms`);
    }
    return [...event.event.terms];
  });
}

/**
 * The CPUs that count for others, of a unit that isn't in each CPU: one CPU of each package. Undefined: all count.
 * Source: Documentation/ABI/testing/sysfs-bus-event_source-devices of the kernel.
 */
export function countingCpus(
  { event }: PerfEventPlan,
  { root = '' }: PerfAttributesOptions = {},
): number[] | undefined {
  if (event.kind !== 'pmu') return undefined;
  const file = `${root}/sys/bus/event_source/devices/${event.unit}/cpumask`;
  if (!existsSync(file)) return undefined;
  return [...parseCpuList(readFileSync(file, 'utf8'), file).numbers];
}

/** Cores of one kind among others, which have a PMU of their own: its type and their numbers. */
interface CoreKind {
  readonly type: number;
  readonly cpus: readonly number[];
}

/** PERF_TYPE_HARDWARE, PERF_TYPE_HW_CACHE, PERF_TYPE_RAW. */
const [hardwareType, cacheType, rawType] = [0, 3, 4];

/** The kinds of cores of a processor that has several, such as Intel's `cpu_core` and `cpu_atom`; else none. */
export function coreKinds({ root = '' }: PerfAttributesOptions = {}): CoreKind[] {
  const devices = `${root}/sys/bus/event_source/devices`;
  const names = ['cpu_core', 'cpu_atom', 'cpu_lowpower'].filter((name) => existsSync(`${devices}/${name}/cpus`));
  return names.map((name) => {
    const file = `${devices}/${name}/cpus`;
    const type = Number(readFileSync(`${devices}/${name}/type`, 'utf8'));
    return { type, cpus: parseCpuList(readFileSync(file, 'utf8'), file).numbers };
  });
}

/** The event as the PMU of this CPU is asked for it; elsewhere the first kind's PMU is, which doesn't count on the others. */
export function onCore(attributes: PerfEventAttributes, cpu: number, kinds: readonly CoreKind[]): PerfEventAttributes {
  const kind = kinds.find(({ cpus }) => cpus.includes(cpu));
  if (kind === undefined) return attributes;
  const { type, config } = attributes;
  // PERF_PMU_TYPE_SHIFT of include/uapi/linux/perf_event.h.
  if (type === hardwareType || type === cacheType)
    return { ...attributes, config: config | (BigInt(kind.type) << 32n) };
  return type === rawType ? { ...attributes, type: kind.type } : attributes;
}

/** Puts a value's bits, the lowest first, into places such as `0-7,32-35`; `rest` is what there was no place for. */
function spread(value: bigint, ranges: string): { bits: bigint; rest: bigint } {
  let rest = value;
  let bits = 0n;
  for (const range of ranges.split(',')) {
    const [first = 0, last = first] = range.split('-').map(Number);
    const width = BigInt(last - first + 1);
    bits |= BigInt.asUintN(Number(width), rest) << BigInt(first);
    rest >>= width;
  }
  return { bits, rest };
}

function unknownTerm(name: string, unit: string, term: string): MeterError {
  return new MeterError('attach', `perf event "${name}": unit ${unit} has no term "${term}"`, {
    remedy: `The files in /sys/bus/event_source/devices/${unit}/format are what there is`,
  });
}
