import type { BtfType } from '../../btf/types.ts';
import type { PerfEventPlan, PerfEventsSpec } from '../plan.ts';
import type { Diagnostics } from '../yaml/diagnostic.ts';
import type { ConfigNode } from '../yaml/document.ts';
import { locatedText } from '../yaml/located.ts';
import { chars, mapOf, structOf, u32, u64 } from './layout-types.ts';
import type { DefaultLabel, MapKind, MapWithoutC } from './map-kind.ts';
import { parsePerfEvent } from './perf-event-names.ts';

/** What a program in the kernel reads at each switch of tasks, bounded as its verifier wants; no PMU has more counters. */
const mostEvents = 8;
/** Names or cgroups unless `limit` says otherwise: the kernel sets 80 bytes aside for each on each CPU. */
const usualLimit = 1024;

interface Key {
  readonly type: BtfType;
  readonly labels: readonly DefaultLabel[];
}

const keys: Readonly<Record<PerfEventsSpec['by'], Key>> = {
  cpu: {
    type: structOf('cpu_key', [['cpu', u32]]),
    labels: [{ name: 'cpu.logical_number', field: 'cpu', decoders: [{ name: 'uint' }] }],
  },
  'process.name': {
    type: structOf('process_name_key', [['name', chars(16)]]),
    labels: [{ name: 'process.name', field: 'name', decoders: [{ name: 'string' }] }],
  },
  cgroup: {
    type: structOf('cgroup_key', [
      ['cgroup', u64],
      ['__pad', u64],
    ]),
    labels: [{ name: 'cgroup', field: 'cgroup', decoders: [{ name: 'cgroup' }] }],
  },
};

/** `perf_events: [instructions, cycles]`, one group, `by` CPU unless it says otherwise. A member of the value per event. */
export const perfEventMaps: MapKind = {
  key: 'perf_events',
  options: ['by', 'limit'],
  parse(node, entry, map, diagnostics) {
    const events = parseEvents(node, diagnostics);
    const by = entry.get('by')?.oneOf(['cpu', 'process.name', 'cgroup'] as const) ?? 'cpu';
    const limit = entry.get('limit')?.integer({ min: 1, max: 65536 }) ?? usualLimit;
    if (by === 'cpu') entry.get('limit')?.error('"limit" goes with "by: process.name" and "by: cgroup"');
    return events && describe(map, { kind: 'perf_events', by, events, limit });
  },
};

function parseEvents(node: ConfigNode, diagnostics: Diagnostics): PerfEventPlan[] | undefined {
  const before = diagnostics.errorCount;
  const events: PerfEventPlan[] = [];
  for (const item of node.list() ?? []) {
    const text = locatedText(item);
    if (text === undefined) continue;
    const event = parsePerfEvent(text.value);
    if ('error' in event) item.error(event.error);
    else if (events.some(({ name }) => name === event.name)) item.error(`perf event "${event.name}" is there twice`);
    else events.push(event);
  }
  if (diagnostics.errorCount !== before) return undefined;
  if (events.length > 0 && events.length <= mostEvents) return events;
  node.error(
    events.length === 0
      ? '"perf_events" names no events'
      : `"perf_events" has ${events.length} events; a group has at most ${mostEvents}: describe a second map`,
  );
  return undefined;
}

function describe(map: string, counts: PerfEventsSpec): MapWithoutC {
  const { type: key, labels } = keys[counts.by];
  const value = structOf(
    'perf_events',
    counts.events.map(({ name }) => [name, u64] as const),
  );
  return { layout: mapOf('hash', map, key, value, counts.limit), labels, counts };
}
