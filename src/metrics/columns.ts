import type { MetricPlan, TablePlan } from '../config/plan.ts';

/** A metric's columns in its table: of a histogram its slots, then its sum. */
export function columnsOf(metric: MetricPlan): number[] {
  if (metric.kind !== 'histogram') return [metric.cell];
  const slots = Array.from({ length: metric.slots }, (_, slot) => metric.cell + slot);
  return metric.sum === undefined ? slots : [...slots, metric.sum.cell];
}

/** Columns of a table that only go down where something counts from zero again. */
export function growingColumns(plan: TablePlan): Int32Array {
  const growing = new Set(plan.metrics.flatMap((metric) => (metric.kind === 'gauge' ? [] : columnsOf(metric))));
  return Int32Array.from([...growing].filter((column) => !isSignedSum(plan, column)));
}

/** A histogram's sum goes down without a reset where negative values are observed. */
function isSignedSum(plan: TablePlan, column: number): boolean {
  const isSum = plan.metrics.some((metric) => metric.kind === 'histogram' && metric.sum?.cell === column);
  const field = plan.fields.find(({ cell, count }) => column >= cell && column < cell + count);
  return isSum && field !== undefined && plan.bucketKey === undefined && field.type.startsWith('i');
}
