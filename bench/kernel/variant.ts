import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PerfEventPlan } from '../../src/config/plan.ts';
import { parseProgramFile } from '../../src/config/program/file.ts';
import { parsePerfEvent } from '../../src/config/without-c/perf-event-names.ts';
import { ConfigError, Diagnostics } from '../../src/config/yaml/diagnostic.ts';
import { possibleCpus } from '../../src/kernel/cpus.ts';
import type { LoadedObject } from '../../src/libbpf/loaded.ts';
import { OpenedObject } from '../../src/libbpf/object.ts';
import { tellNesting } from '../../src/programs/nesting.ts';
import { widenTables } from '../../src/programs/percpu.ts';
import { countPerfEvents } from '../../src/programs/without-c/count-perf-events.ts';
import { countTracepoints } from '../../src/programs/without-c/count-tracepoints.ts';
import type { RunningSource } from '../../src/programs/without-c/starter.ts';
import { root } from '../root.ts';

/** BPF programs of one object, loaded, and attached only while they are measured. */
export interface Variant extends Disposable {
  attach(): Disposable;
  /** Nanoseconds and runs of each program since it was loaded, as far as statistics were on. */
  statistics(): readonly { readonly time: number; readonly runs: number }[];
}

/** By hook, the way in that is measured: else the first; of hooks that a metric needs any of, only those named here. */
type Ways = Readonly<Record<string, string>>;

/** Metrics of a shipped program alone, as the exporter would load them: what they need and nothing else. */
export function metricsVariant(program: string, metrics: readonly string[], ways: Ways = {}): Variant {
  const { programs, constants } = needs(program, metrics, ways);
  return load(join(root, 'build/programs', `${program}.bpf.o`), programs, constants);
}

/** The BPF programs that metrics of a shipped program need. */
export function neededPrograms(program: string, metrics: readonly string[], ways: Ways = {}): readonly string[] {
  return needs(program, metrics, ways).programs;
}

/** Some BPF programs of an object of the benchmark's own. */
export function objectVariant(object: string, programs: readonly string[]): Variant {
  return load(object, programs, new Map());
}

/** A tracepoint that a map without C counts. */
export function tracepointVariant(name: string): Variant {
  const at = { file: import.meta.filename, line: 1, column: 1, excerpt: '' };
  const counts = { kind: 'tracepoints', patterns: [{ text: name, excludes: false, at }], limit: 1 } as const;
  return sourceVariant(countTracepoints.start({ map: 'events', counts, metrics: [] }));
}

/** A map without C of perf events by the name or cgroup of the task. */
export function perfEventsVariant(names: readonly string[], by: 'process.name' | 'cgroup'): Variant {
  const events = names.map((name) => parsePerfEvent(name) as PerfEventPlan);
  const counts = { kind: 'perf_events', by, events, limit: 1024 } as const;
  const metrics = names.map((field) => ({ name: field, field }));
  return sourceVariant(countPerfEvents.start({ map: 'events', counts, metrics }));
}

function sourceVariant(source: RunningSource): Variant {
  return {
    // Loaded is attached here; what runs before costs nothing that is measured.
    attach: () => ({ [Symbol.dispose]() {} }),
    statistics: () =>
      source.attached.map(({ bpfProgram }) => {
        const { runTimeNs, runCount } = source.info!(bpfProgram)!;
        return { time: runTimeNs, runs: runCount };
      }),
    [Symbol.dispose]: () => source[Symbol.dispose](),
  };
}

function load(path: string, programs: readonly string[], constants: ReadonlyMap<string, number>): Variant {
  using opened = OpenedObject.open(path);
  const layout = opened.layout();
  for (const { name } of layout.programs) opened.setAutoload(name, programs.includes(name));
  for (const [name, value] of constants) opened.setConstant(name, value);
  tellNesting(opened);
  const cpus = possibleCpus().indexes;
  const wide = widenTables(opened, new Set(), cpus);
  for (const { name, mmapable, maxEntries } of layout.maps) {
    if (mmapable && maxEntries === 1 && !wide.has(name)) opened.setMaxEntries(name, cpus);
  }
  const loaded: LoadedObject = opened.load();
  return {
    attach() {
      using links = new DisposableStack();
      for (const program of programs) links.use(loaded.attach(program, undefined, ['lo']));
      return links.move();
    },
    statistics: () =>
      programs.map((program) => {
        const { runTimeNs, runCount } = loaded.programInfo(program);
        return { time: runTimeNs, runs: runCount };
      }),
    [Symbol.dispose]: () => loaded[Symbol.dispose](),
  };
}

function needs(program: string, metrics: readonly string[], chosen: Ways) {
  const path = join(root, 'config/programs', `${program}.yaml`);
  const diagnostics = new Diagnostics();
  const file = parseProgramFile(readFileSync(path, 'utf8'), path, diagnostics);
  if (diagnostics.hasErrors) throw new ConfigError(diagnostics.errors);
  const all = file?.metrics ?? [];
  const enabled = all.filter(({ name }) => metrics.includes(name.value));
  if (enabled.length !== metrics.length) throw new Error(`${path}: has not all of ${metrics.join(', ')}`);
  const constants = new Map<string, number>();
  for (const entry of all) for (const { value } of entry.needs.constants) constants.set(value, 0);
  for (const entry of enabled) for (const { value } of entry.needs.constants) constants.set(value, 1);
  const wayOf = (name: string) => {
    const hook = file?.hooks.get(name);
    if (hook === undefined) return undefined;
    return hook.ways.find((way) => way.name.value === chosen[name]) ?? hook.ways[0];
  };
  const named = enabled.flatMap(({ needs }) => [
    ...(needs.programs ?? []).map(({ value }) => value),
    ...needs.any.map(({ value }) => value).filter((name) => chosen[name] !== undefined),
  ]);
  const programs = [...new Set(named)].flatMap((name) => {
    const way = wayOf(name);
    for (const [constant, { value }] of way?.constants ?? []) constants.set(constant, Number(value));
    return way?.programs.map(({ value }) => value) ?? [name];
  });
  return { programs: [...new Set(programs)], constants };
}
