import type { PerfEventCode, PerfEventPlan } from '../plan.ts';
import { suggest } from '../yaml/nearest.ts';

/** enum perf_type_id of include/uapi/linux/perf_event.h. */
const perfType = { hardware: 0, software: 1, cache: 3, raw: 4 } as const;

/** enum perf_hw_id by perf's names (perf-list(1)). */
const hardware: Readonly<Record<string, number>> = {
  'cpu-cycles': 0,
  cycles: 0,
  instructions: 1,
  'cache-references': 2,
  'cache-misses': 3,
  'branch-instructions': 4,
  branches: 4,
  'branch-misses': 5,
  'bus-cycles': 6,
  'stalled-cycles-frontend': 7,
  'idle-cycles-frontend': 7,
  'stalled-cycles-backend': 8,
  'idle-cycles-backend': 8,
  'ref-cycles': 9,
};

/** enum perf_sw_ids; cgroup-switches since Linux 5.13. */
const software: Readonly<Record<string, number>> = {
  'cpu-clock': 0,
  'task-clock': 1,
  'page-faults': 2,
  faults: 2,
  'context-switches': 3,
  cs: 3,
  'cpu-migrations': 4,
  migrations: 4,
  'minor-faults': 5,
  'major-faults': 6,
  'alignment-faults': 7,
  'emulation-faults': 8,
  'cgroup-switches': 11,
};

/** enum perf_hw_cache_id, and which of load, store, prefetch perf has names for. */
const caches: readonly (readonly [name: string, operations: string])[] = [
  ['L1-dcache', 'lsp'],
  ['L1-icache', 'lp'],
  ['LLC', 'lsp'],
  ['dTLB', 'lsp'],
  ['iTLB', 'l'],
  ['branch', 'l'],
  ['node', 'lsp'],
];

/** enum perf_hw_cache_op_id. */
const operations = [
  { letter: 'l', all: 'loads', misses: 'load-misses' },
  { letter: 's', all: 'stores', misses: 'store-misses' },
  { letter: 'p', all: 'prefetches', misses: 'prefetch-misses' },
] as const;

const codes: ReadonlyMap<string, PerfEventCode> = new Map([
  ...Object.entries(hardware).map(([name, config]) => [name, code(perfType.hardware, config)] as const),
  ...Object.entries(software).map(([name, config]) => [name, code(perfType.software, config)] as const),
  ...caches.flatMap(([cache, known], id) =>
    operations.flatMap(({ letter, all, misses }, operation) =>
      known.includes(letter)
        ? [
            [`${cache}-${all}`, code(perfType.cache, id | (operation << 8))] as const,
            // PERF_COUNT_HW_CACHE_RESULT_MISS is 1.
            [`${cache}-${misses}`, code(perfType.cache, id | (operation << 8) | (1 << 16))] as const,
          ]
        : [],
    ),
  ),
]);

/** Whether an event is counted by the kernel itself, so that it needs no PMU. */
export function isSoftware({ event }: PerfEventPlan): boolean {
  return event.kind === 'tracepoint' || (event.kind === 'code' && event.type === perfType.software);
}

/**
 * One event as perf has it: `instructions`, `LLC-load-misses`, `r01c4`, `sched:sched_switch`, `cpu/event=0x3c,umask=0/`;
 * with `:u` or `:k` behind a name only what happens in processes' own code, or in the kernel. The error is the cause alone.
 */
export function parsePerfEvent(name: string): PerfEventPlan | { readonly error: string } {
  if (name.includes('/')) return parsePmuEvent(name);
  const colon = name.indexOf(':');
  const [base, modifier] = colon < 0 ? [name, undefined] : [name.slice(0, colon), name.slice(colon + 1)];
  const event = codeOf(base);
  if (event !== undefined) return withModes(name, event, modifier);
  if (modifier !== undefined) {
    if (/^\w[\w-]*$/.test(base) && /^\w+$/.test(modifier)) {
      return { name, event: { kind: 'tracepoint', category: base, name: modifier }, excludes: undefined };
    }
    return { error: `"${name}" is no tracepoint such as sched:sched_switch` };
  }
  return { error: `unknown perf event "${name}"${suggest(name, codes.keys())}` };
}

function codeOf(name: string): PerfEventCode | undefined {
  const raw = /^r([0-9a-f]{1,16})$/i.exec(name)?.[1];
  return raw === undefined ? codes.get(name) : { kind: 'code', type: perfType.raw, config: BigInt(`0x${raw}`) };
}

function withModes(
  name: string,
  event: PerfEventPlan['event'],
  modifier: string | undefined,
): PerfEventPlan | { error: string } {
  switch (modifier) {
    case undefined:
    case 'uk':
    case 'ku':
      return { name, event, excludes: undefined };
    case 'u':
      return { name, event, excludes: 'kernel' };
    case 'k':
      return { name, event, excludes: 'user' };
    default:
      return { error: `"${name}": behind an event's name may be :u or :k, not ":${modifier}"` };
  }
}

/** perf's `UNIT/TERM=VALUE,…/`, whose term `name` is what the event is called. */
function parsePmuEvent(text: string): PerfEventPlan | { error: string } {
  const [, unit, list = '', modifier] = /^(\w[\w.-]*)\/([^/]*)\/(?::?(\w+))?$/.exec(text) ?? [];
  if (unit === undefined) return { error: `"${text}" is no event of a unit such as cpu/event=0x3c,umask=0x0/` };
  const terms = new Map<string, bigint>();
  let name = text;
  for (const term of list.split(',')) {
    const [, key, value = '1'] = /^\s*(\w+)(?:=([\w-]+))?\s*$/.exec(term) ?? [];
    if (key === undefined) return { error: `"${text}": "${term}" is no term such as event=0x3c` };
    if (key === 'name') name = value;
    else if (!/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(value) || BigInt(value) >= 1n << 64n) {
      return { error: `"${text}": "${value}" is no number of at most 64 bits` };
    } else if (terms.has(key)) return { error: `"${text}": "${key}" is there twice` };
    else terms.set(key, BigInt(value));
  }
  return withModes(name, { kind: 'pmu', unit, terms }, modifier);
}

function code(type: number, config: number): PerfEventCode {
  return { kind: 'code', type, config: BigInt(config) };
}
