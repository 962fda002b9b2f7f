import { existsSync, readFileSync } from 'node:fs';
import type { PerfEventPlan, PmuEvent } from '../../config/plan.ts';
import { MeterError } from '../../errors.ts';
import type { PerfEventAttributes } from '../../libbpf/perf-event.ts';

export interface PerfAttributesOptions {
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
  const folders = [`${root}/sys/kernel/tracing/events`, `${root}/sys/kernel/debug/tracing/events`];
  const folder = folders.find((path) => existsSync(path));
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
  for (const [term, value] of terms) {
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
