import type { ProgramPlan } from '../config/plan.ts';
import { MeterError } from '../errors.ts';
import { possibleCpus } from '../kernel/cpus.ts';
import type { OpenedObject } from '../libbpf/object.ts';
import type { MapReaders } from '../maps/reading.ts';
import { withoutMetrics } from './absent.ts';
import type { KernelHooks } from './kernel-hooks.ts';
import { hrTime, loadProgram } from './load.ts';
import type { RunningProgram } from './running.ts';
import { startSources } from './without-c/start-sources.ts';

/**
 * Starts a program: loads and attaches its object, if it has one, and its maps without C. Without `kernel`, what may be asked
 * of it is read where it is needed.
 * Throws what loadProgram throws.
 */
export function startProgram(
  plan: ProgramPlan,
  opened: OpenedObject | undefined,
  kernel?: KernelHooks,
): RunningProgram {
  if (opened !== undefined && plan.sources.length === 0) return loadProgram(plan, opened, kernel);
  using stack = new DisposableStack();
  const object = opened && stack.use(loadProgram(plan, opened, kernel));
  const startTime = object?.startTime ?? hrTime(Date.now());
  const sources = stack.use(startSources(plan));
  const missing = [...sources.lost, ...sources.absent.flatMap(({ metrics }) => metrics)];
  const all = stack.move();
  return {
    name: plan.name,
    plan: withoutMetrics(object?.plan ?? plan, new Set(missing)),
    attached: [...(object?.attached ?? []), ...sources.attached],
    lost: [...(object?.lost ?? []), ...sources.lost],
    hooks: object?.hooks ?? [],
    absent: [...(object?.absent ?? []), ...sources.absent],
    readers: readersOf(sources.readers, object?.readers),
    startTime,
    links: [...sources.links, ...(object?.links ?? [])],
    info: (name) => object?.info(name) ?? sources.info(name),
    cgroupIds: object?.cgroupIds,
    *losses() {
      yield* object?.losses() ?? [];
      yield* sources.losses();
    },
    *unwatched() {
      yield* object?.unwatched() ?? [];
      yield* sources.unwatched();
    },
    [Symbol.dispose]: () => all.dispose(),
  };
}

function readersOf(sources: ReturnType<typeof startSources>['readers'], object: MapReaders | undefined): MapReaders {
  const missing = (map: string) => new MeterError('map', `map "${map}": not there, since the program has no object`);
  return {
    begin: () => object?.begin?.(),
    cpus: object?.cpus ?? possibleCpus().indexes,
    entries(map) {
      const reader = sources.get(map) ?? object?.entries(map);
      if (reader === undefined) throw missing(map);
      return reader;
    },
    memory(map) {
      if (object === undefined) throw missing(map);
      return object.memory(map);
    },
  };
}
