import type { BucketKeyPlan, FieldPlan, HistogramMetricPlan, TablePlan } from './plan.ts';

/** How far two bounds may differ that are the same: what is left of scaling by 1e-9. */
const TOLERANCE = 1e-12;

/** A histogram with fewer buckets, and where its table has them. */
interface Rebucketed {
  readonly metric: HistogramMetricPlan;
  readonly fields: readonly FieldPlan[];
  readonly bucketKey: BucketKeyPlan | undefined;
}

/**
 * The same histogram with these inclusive upper bounds, in its unit and ascending, whose buckets are sums of the ones that
 * it has. Returns the first bound that is none of its own, since what was counted between can't be told apart.
 */
export function rebucket(
  table: TablePlan,
  metric: HistogramMetricPlan,
  boundaries: readonly number[],
): Rebucketed | { readonly foreign: number } {
  const kept: number[] = [];
  for (const boundary of boundaries) {
    const index = metric.bounds.findIndex((bound) => Math.abs(bound - boundary) <= Math.abs(bound) * TOLERANCE);
    if (index === -1) return { foreign: boundary };
    kept.push(index);
  }
  const slotOf = (slot: number): number => {
    const next = kept.findIndex((index) => slot <= index);
    return next === -1 ? kept.length : next;
  };
  const { cell, slots, bounds, le } = metric;
  const columnOf = (column: number): number =>
    column >= cell && column < cell + slots ? cell + slotOf(column - cell) : column;
  return {
    metric: {
      ...metric,
      bounds: kept.map((index) => bounds[index]!),
      le: kept.map((index) => le[index]!),
      slots: slotOf(slots - 1) + 1,
      powersOfTwo: metric.powersOfTwo && kept.length === bounds.length,
    },
    fields: table.bucketKey === undefined ? moved(table.fields, columnOf) : table.fields,
    bucketKey: table.bucketKey && {
      ...table.bucketKey,
      columns: new Map([...table.bucketKey.columns].map(([number, column]) => [number, columnOf(column)])),
    },
  };
}

/** The same numbers in other columns; those that share one are added. */
function moved(fields: readonly FieldPlan[], columnOf: (column: number) => number): FieldPlan[] {
  const result: FieldPlan[] = [];
  for (const field of fields) {
    const bytes = Number(field.type.slice(1)) / 8;
    let last: { offset: number; type: FieldPlan['type']; count: number; cell: number } | undefined;
    for (let i = 0; i < field.count; i++) {
      const cell = columnOf(field.cell + i);
      if (last !== undefined && cell === last.cell + last.count) {
        last.count++;
        continue;
      }
      last = { offset: field.offset + i * bytes, type: field.type, count: 1, cell };
      result.push(last);
    }
  }
  return result;
}
