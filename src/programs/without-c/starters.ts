import type { GenericSpec } from '../../config/plan.ts';
import { countFunctions } from './count-functions.ts';
import { countPerfEvents } from './count-perf-events.ts';
import { countTracepoints } from './count-tracepoints.ts';
import type { GenericStarter } from './starter.ts';

const starters: { readonly [Kind in GenericSpec['kind']]: GenericStarter<Extract<GenericSpec, { kind: Kind }>> } = {
  perf_events: countPerfEvents,
  functions: countFunctions,
  tracepoints: countTracepoints,
};

/** What counts maps of this kind. */
export function starterOf({ kind }: GenericSpec): GenericStarter {
  return starters[kind] as GenericStarter;
}
