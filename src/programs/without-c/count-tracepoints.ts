import type { SourceWithoutC, TracepointsSpec } from '../../config/plan.ts';
import { tracepointNameBytes } from '../../config/without-c/tracepoint-maps.ts';
import { findTracepoints } from '../../kernel/tracepoints.ts';
import { attachRawTracepoint } from '../../libbpf/attach/raw-tracepoint.ts';
import type { LoadedObject } from '../../libbpf/loaded.ts';
import type { KernelMap } from '../../libbpf/map.ts';
import { OpenedObject } from '../../libbpf/object.ts';
import { tellNesting } from '../nesting.ts';
import { explained } from './explained.ts';
import { type Named, namedReader } from './named-reader.ts';
import { genericObject } from './object.ts';
import type { RunningSource, Starter } from './starter.ts';
import {
  limitError,
  nothingLeftError,
  type UnmatchedPattern,
  unmatchedError,
  unmatchedProgram,
} from './unmatched-patterns.ts';

const program = 'count_events';
const events = 'tracepoint_events';

/** A raw tracepoint each, with a copy of the program of its own: cheaper than perf's counting, which makes the event's record first. */
export const countTracepoints: Starter<TracepointsSpec> = {
  start(source) {
    const { names, unmatched } = findTracepoints(source.counts.patterns);
    if (names.length > source.counts.limit) {
      throw limitError(source.counts.patterns, 'tracepoints', names.length, source.counts.limit);
    }
    if (names.length > 0) return attachAll(source, names, unmatched);
    throw unmatched[0] === undefined ? nothingLeftError(source.map) : unmatchedError(unmatched[0]);
  },
  describe({ counts }) {
    const { names, unmatched } = findTracepoints(counts.patterns);
    const sections = names.map((name) => `raw_tp/${name}`);
    const [first] = unmatched;
    if (names.length > counts.limit) {
      const { message } = limitError(counts.patterns, 'tracepoints', names.length, counts.limit);
      return { sections, state: { state: 'missing', reason: message } };
    }
    if (first === undefined) return { sections, state: { state: 'there' } };
    const reason = unmatchedError(first).message;
    return { sections, state: { state: names.length > 0 ? 'unknown' : 'missing', reason } };
  },
};

function attachAll(
  source: SourceWithoutC,
  names: readonly string[],
  unmatched: readonly UnmatchedPattern[],
): RunningSource {
  using stack = new DisposableStack();
  const asMap = { map: source.map, keySize: tracepointNameBytes, maxEntries: source.counts.limit };
  const base = stack.use(loadMap(names.length));
  const map = base.map(events);
  const copies = new Map<string, LoadedObject>();
  const attached = unmatched.map((pattern) => unmatchedProgram(source.map, 'raw_tp', pattern));
  const named: Named[] = [];
  const links: Disposable[] = [];
  for (const [slot, name] of names.entries()) {
    const bpfProgram = `${source.map}:${name}`;
    const section = `raw_tp/${name}`;
    try {
      const copy = stack.use(loadCopy(map, slot));
      links.unshift(stack.use(attachRawTracepoint(copy.target(program), name)));
      copies.set(bpfProgram, copy);
      named.push({ name, slot });
      attached.push({ bpfProgram, section, state: 'attached', error: undefined });
    } catch (error) {
      attached.push({ bpfProgram, section, state: 'failed', error: explained(bpfProgram, section, error) });
    }
  }
  if (named.length === 0) throw attached.find(({ error }) => error !== undefined)!.error!;
  const all = stack.move();
  return {
    reader: namedReader(map, named, asMap),
    attached,
    absent: [],
    links,
    info: (name) => copies.get(name)?.programInfo(program),
    [Symbol.dispose]: () => all.dispose(),
  };
}

function loadMap(count: number): LoadedObject {
  using opened = OpenedObject.open(genericObject('tracepoints'));
  opened.setMaxEntries(events, count);
  return opened.load();
}

function loadCopy(map: KernelMap, slot: number): LoadedObject {
  using opened = OpenedObject.open(genericObject('tracepoints'));
  opened.reuseMap(events, map.fd);
  opened.setConstant('only_slot', slot);
  tellNesting(opened);
  opened.setAutoload(program, true);
  return opened.load();
}
