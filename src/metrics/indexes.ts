import type { DimensionPlan } from '../config/plan.ts';

/** Elements one after the other in memory: `count` of them, `stride` bytes apart, from `start`. */
interface Run {
  readonly start: number;
  readonly count: number;
  readonly stride: number;
}

/** How many elements a dimension has; the CPUs' is known only on the running machine. */
export function dimensionCount(dimension: DimensionPlan, cpus: number): number {
  return dimension.cpu ? cpus : dimension.count;
}

/** The elements of all dimensions in order of their indexes, as runs of the innermost one. `offset` is added to each start. */
export function innermostRuns(dimensions: readonly DimensionPlan[], offset: number, cpus: number): Run[] {
  const innermost = dimensions.at(-1);
  if (innermost === undefined) return [{ start: offset, count: 1, stride: 0 }];
  let starts = [offset];
  for (const dimension of dimensions.slice(0, -1)) {
    const indexes = Array.from({ length: dimensionCount(dimension, cpus) }, (_, index) => index);
    starts = starts.flatMap((start) => indexes.map((index) => start + index * dimension.stride));
  }
  return starts.map((start) => ({ start, count: dimensionCount(innermost, cpus), stride: innermost.stride }));
}
