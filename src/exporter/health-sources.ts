import { isRunTimeMeasured } from '../kernel/bpf-statistics.ts';
import type { ObservedStore } from '../metrics/observed-store.ts';
import type { CompatibleSources } from '../metrics/own/compatible.ts';
import type {
  BpfProgramState,
  BpfProgramStatistics,
  CpuUnwatched,
  HealthSources,
  MapLoss,
  TakenWay,
} from '../metrics/own/health.ts';
import type { Store } from '../metrics/store.ts';
import type { LoadedPrograms } from '../programs/load-all.ts';

/** What the health metrics tell, from the programs that run, those that don't, and their maps. */
export function healthSources(
  programs: LoadedPrograms,
  store: Store,
  readings: Pick<ObservedStore, 'last'>,
  bpfStats: boolean,
): HealthSources {
  const states = programStates(programs);
  return {
    reading: () => readings.last,
    maps: () => store.fillLevels(),
    losses: () => lossesOf(programs),
    unwatched: () => unwatchedOf(programs),
    programs: () => states,
    hooks: () => hooksOf(programs),
    statistics: () => statisticsOf(programs),
    bpfStats,
  };
}

/** What ebpf_exporter's metrics about itself tell, by the same sources. */
export function compatibleSources({ running }: LoadedPrograms, health: HealthSources): CompatibleSources {
  return {
    configs: () => running.map(({ name }) => name),
    programs: () => health.programs(),
    statistics: () => health.statistics(),
    isRunTimeMeasured: () => health.bpfStats || isRunTimeMeasured(),
  };
}

/** What maps without C have missed so far. */
export function* lossesOf({ running }: LoadedPrograms): Iterable<MapLoss> {
  for (const { name, losses } of running) for (const loss of losses()) yield { program: name, ...loss };
}

/** What perf events have missed so far of CPUs that had just come. */
export function* unwatchedOf({ running }: LoadedPrograms): Iterable<CpuUnwatched> {
  for (const { name, unwatched } of running) for (const one of unwatched()) yield { program: name, ...one };
}

/** What is attached and what isn't doesn't change while the process runs. */
function programStates({ running, failures }: LoadedPrograms): BpfProgramState[] {
  return [
    ...running.flatMap(({ name, attached, info }) =>
      attached
        .filter(({ state }) => state !== 'not loaded')
        .map(({ bpfProgram, state }) => {
          const { id, tag } = info(bpfProgram) ?? {};
          return { program: name, bpfProgram, attached: state === 'attached', id, tag };
        }),
    ),
    ...failures.flatMap(({ name, bpfPrograms }) =>
      // Of one whose object can't be read, nothing else is known.
      (bpfPrograms.length > 0 ? bpfPrograms : ['']).map((bpfProgram) => {
        return { program: name, bpfProgram, attached: false, id: undefined, tag: undefined };
      }),
    ),
  ];
}

function* hooksOf({ running }: LoadedPrograms): Iterable<TakenWay> {
  for (const { name, hooks } of running) for (const { hook, way } of hooks) yield { program: name, hook, way };
}

function* statisticsOf({ running }: LoadedPrograms): Iterable<BpfProgramStatistics> {
  for (const { name, attached, info } of running) {
    for (const { bpfProgram, state } of attached) {
      const known = state === 'attached' ? info(bpfProgram) : undefined;
      if (known === undefined) continue;
      const { runTimeNs, runCount, recursionMisses } = known;
      yield { program: name, bpfProgram, runTimeNs, runCount, missed: recursionMisses };
    }
  }
}
