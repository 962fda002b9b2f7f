import type { CountSpec } from '../../config/plan.ts';
import { countFunctions } from './count-functions.ts';
import { countPerfEvents } from './count-perf-events.ts';
import { countTracepoints } from './count-tracepoints.ts';
import type { Starter } from './starter.ts';

const starters: { readonly [Kind in CountSpec['kind']]: Starter<Extract<CountSpec, { kind: Kind }>> } = {
  perf_events: countPerfEvents,
  functions: countFunctions,
  tracepoints: countTracepoints,
};

/** What counts maps of this kind. */
export function starterOf({ kind }: CountSpec): Starter {
  return starters[kind] as Starter;
}
