import type { LabelPlan, TablePlan } from '../config/plan.ts';

/** The attribute of what is summed beyond a cardinality limit (metrics/sdk.md of OpenTelemetry, "Overflow attribute"). */
export const OVERFLOW_ATTRIBUTE = 'otel.metric.overflow';

const label: LabelPlan = { name: OVERFLOW_ATTRIBUTE, offset: 0, size: 0, decoders: [{ name: 'string' }] };

/** The plan of the table that has the one series beyond the limit of `plan`'s. Nothing is decoded for it. */
export function overflowPlan(plan: TablePlan): TablePlan {
  return { ...plan, labels: [label], hidden: [] };
}

/** Whether a table of such labels is one of series beyond a limit, the attribute of which is a boolean. */
export function isOverflow(labels: readonly { readonly name: string }[]): boolean {
  return labels[0]?.name === OVERFLOW_ATTRIBUTE;
}
