import type { ProgramPlan } from '../../config/plan.ts';
import { MeterError } from '../../errors.ts';
import { type Cgroups, createCgroups } from '../../kernel/cgroups.ts';
import { watchCgroups } from './cgroup-events.ts';

interface CgroupNames extends Disposable {
  readonly cgroups: Cgroups;
}

/**
 * Names of cgroups where one of the programs needs them, kept up to date until disposed; undefined where none does.
 * `warn` is told why some names will be missing, such as that cgroups can't be watched without the rights to.
 */
export function cgroupNames(
  plans: readonly ProgramPlan[],
  warn: (warning: MeterError) => void,
): CgroupNames | undefined {
  const labels = plans.flatMap(({ tables }) => tables.flatMap((table) => table.labels));
  const isAsked = labels.some(({ decoders }) => decoders.some(({ name }) => name === 'cgroup'));
  if (!isAsked && plans.every(({ cgroupIds }) => cgroupIds === undefined)) return undefined;
  try {
    const events = watchCgroups();
    return { cgroups: createCgroups({ events, warn }), [Symbol.dispose]: () => events[Symbol.dispose]() };
  } catch (error) {
    if (!(error instanceof MeterError)) throw error;
    warn(error);
    return { cgroups: createCgroups({ warn }), [Symbol.dispose]: () => {} };
  }
}
