import type { ProgramPlan, SourceWithoutC } from '../../config/plan.ts';
import { MeterError } from '../../errors.ts';
import { libbpfCause } from '../../libbpf/error.ts';
import type { ProgramInfo } from '../../libbpf/stats.ts';
import type { EntriesReader } from '../../maps/reading.ts';
import type { AbsentMetrics } from '../absent.ts';
import { explain, readEnvironment } from '../reasons.ts';
import type { AttachedProgram, Loss, Unwatched } from '../running.ts';
import type { RunningSource } from './starter.ts';
import { starterOf } from './starters.ts';

/** The maps without C of one program. */
interface RunningSources extends Disposable {
  /** By map; those that count nothing have none. */
  readonly readers: ReadonlyMap<string, EntriesReader>;
  readonly attached: readonly AttachedProgram[];
  readonly absent: readonly AbsentMetrics[];
  /** Full names of the metrics that count nothing, since their map failed. */
  readonly lost: readonly string[];
  /** As of a RunningProgram. */
  readonly links: readonly Disposable[];
  info(name: string): ProgramInfo | undefined;
  losses(): Iterable<Loss & { readonly map: string }>;
  unwatched(): Iterable<Unwatched>;
}

/** Starts each for itself; one that fails is `failed` in the result. */
export function startSources(plan: ProgramPlan): RunningSources {
  using stack = new DisposableStack();
  const running = new Map<string, RunningSource>();
  const failed: { source: SourceWithoutC; attached: AttachedProgram }[] = [];
  for (const source of plan.sources) {
    try {
      running.set(source.map, stack.use(starterOf(source.counts).start(source)));
    } catch (error) {
      if (!(error instanceof MeterError)) throw error;
      failed.push({ source, attached: failedSource(plan.name, source, error) });
    }
  }
  const all = stack.move();
  const sources = [...running.values()];
  return {
    readers: new Map(
      [...running].flatMap(([map, { reader }]) => (reader === undefined ? [] : [[map, reader] as const])),
    ),
    attached: [...sources.flatMap(({ attached }) => attached), ...failed.map(({ attached }) => attached)],
    absent: [...running].flatMap(([map, { absent }]) =>
      absent.map((metrics) => ({ ...metrics, reason: `${plan.name}: map "${map}": ${metrics.reason}` })),
    ),
    links: sources.flatMap(({ links = [] }) => links),
    lost: failed.flatMap(({ source }) => source.metrics.map(({ name }) => name)),
    info: (name) => sources.map((source) => source.info?.(name)).find((info) => info !== undefined),
    *losses() {
      for (const [map, source] of running) for (const loss of source.losses?.() ?? []) yield { map, ...loss };
    },
    *unwatched() {
      for (const [part, { unwatchedMs }] of running) if (unwatchedMs) yield { part, milliseconds: unwatchedMs() };
    },
    [Symbol.dispose]: () => all.dispose(),
  };
}

function failedSource(program: string, source: SourceWithoutC, error: MeterError): AttachedProgram {
  const [section = ''] = starterOf(source.counts).describe(source).sections;
  // An error with a remedy knows better than errno.
  const cause = error.remedy === undefined ? libbpfCause(error) : undefined;
  return {
    bpfProgram: source.map,
    section,
    state: 'failed',
    error: cause ? explain('attach', `${program}: ${source.map}`, section, cause, readEnvironment()) : error,
  };
}
