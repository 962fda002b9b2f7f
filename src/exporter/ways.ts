import type { AbsentMetrics } from '../programs/absent.ts';
import type { HookOutcome } from '../programs/ways.ts';

/** `ext4_read by fentry, swap_read by page`; '' where no way was taken. */
export function waysText(hooks: readonly HookOutcome[]): string {
  return hooks.flatMap(({ hook, way }) => (way === undefined ? [] : [`${hook} by ${way}`])).join(', ');
}

/** One line: why, and which metrics are absent for it; none where they count without it. */
export function absentText({ reason, metrics }: AbsentMetrics): string {
  return metrics.length === 0 ? reason : `${reason}; absent: ${metrics.join(', ')}`;
}
