import type { GenericSpec } from '../../config/plan.ts';
import { functions } from './count-functions.ts';
import { perfEvents } from './count-perf-events.ts';
import { tracepoints } from './count-tracepoints.ts';
import type { GenericStarter } from './source.ts';

const starters: { readonly [Kind in GenericSpec['kind']]: GenericStarter<Extract<GenericSpec, { kind: Kind }>> } = {
  perf_events: perfEvents,
  functions,
  tracepoints,
};

/** What counts maps of this kind. */
export function starterOf({ kind }: GenericSpec): GenericStarter {
  return starters[kind] as GenericStarter;
}
