import type { ProgramPlan } from '../config/plan.ts';

/** Metrics that this machine can't give, though nothing is wrong: they are in no reading. */
export interface AbsentMetrics {
  /** Full names. */
  readonly metrics: readonly string[];
  /** How loudly it is said. */
  readonly level: 'info' | 'warn';
  /** Why, as `subject: cause`. */
  readonly reason: string;
}

/** The plan without the metrics of these full names, and without the tables that nothing is left of. */
export function withoutMetrics(plan: ProgramPlan, names: ReadonlySet<string>): ProgramPlan {
  if (names.size === 0) return plan;
  const tables = plan.tables.flatMap((table) => {
    const metrics = table.metrics.filter(({ name }) => !names.has(name));
    return metrics.length === 0 ? [] : [{ ...table, metrics }];
  });
  return { ...plan, tables };
}
