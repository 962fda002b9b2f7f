import type { GenericSource, PerfEventsSpec } from '../../config/plan.ts';
import { MeterError } from '../../errors.ts';
import type { CountedEvent } from './perf-events.ts';
import type { RunningSource } from './source.ts';

/** In the making. */
export function startByTask(
  { map }: GenericSource & { readonly counts: PerfEventsSpec },
  _events: readonly CountedEvent[],
): RunningSource {
  throw new MeterError('attach', `map ${map}: perf events by process.name and cgroup are not there yet`);
}
