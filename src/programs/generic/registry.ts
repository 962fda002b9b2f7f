import type { GenericSpec } from '../../config/plan.ts';
import { functions } from './functions.ts';
import { perfEvents } from './perf-events.ts';
import type { GenericStarter } from './source.ts';
import { tracepoints } from './tracepoints.ts';

const starters: { readonly [Kind in GenericSpec['kind']]: GenericStarter<Extract<GenericSpec, { kind: Kind }>> } = {
  perf_events: perfEvents,
  functions,
  tracepoints,
};

/** What counts maps of this kind. */
export function starterOf({ kind }: GenericSpec): GenericStarter {
  return starters[kind] as GenericStarter;
}
