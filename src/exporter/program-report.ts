import { ConfigError } from '../config/yaml/diagnostic.ts';
import { MeterError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { AbsentMetrics } from '../programs/absent.ts';
import { failuresOf, isAnyAttached, type LoadedPrograms } from '../programs/load-all.ts';
import type { HookOutcome } from '../programs/ways.ts';
import { logError } from './error-text.ts';

/** `ext4_read by fentry, swap_read by page`; '' where no way was taken. */
export function waysText(hooks: readonly HookOutcome[]): string {
  return hooks.flatMap(({ hook, way }) => (way === undefined ? [] : [`${hook} by ${way}`])).join(', ');
}

/** One line: why, and which metrics are absent for it; none where they count without it. */
export function absentText({ reason, metrics }: AbsentMetrics): string {
  return metrics.length === 0 ? reason : `${reason}; absent: ${metrics.join(', ')}`;
}

/** Says of each program what is attached, what isn't and why, and which metrics are missing for that. */
export function reportPrograms({ running, failures, conflicts }: LoadedPrograms, log: Log): void {
  for (const conflict of conflicts) logError(log, 'error', conflict);
  for (const { name, attached, hooks, lost, absent } of running) {
    for (const { passed, error } of hooks) {
      if (error !== undefined) logError(log, 'warn', error);
      for (const way of passed) {
        // Hidden from who has a way in, unless it says more than that the kernel lacks this one.
        if (way.error !== error) logError(log, way.isLack ? 'debug' : 'warn', way.error);
      }
    }
    for (const metrics of absent) log[metrics.level](absentText(metrics));
    const wanted = attached.filter(({ state }) => state !== 'not loaded');
    if (wanted.length === 0 && absent.length > 0) continue;
    const there = wanted.filter(({ state }) => state === 'attached');
    const names = there.map(({ bpfProgram }) => bpfProgram).join(', ');
    const ways = waysText(hooks);
    const details = [names, ...(ways === '' ? [] : [`(${ways})`])].join(' ');
    log.info(`${name}: attached ${there.length} of ${wanted.length}${names === '' ? '' : `: ${details}`}`);
    for (const { error } of wanted) {
      if (error !== undefined) logError(log, 'warn', error);
    }
    if (lost.length > 0) log.warn(`${name}: without them these count too little or nothing: ${lost.join(', ')}`);
  }
  for (const { error } of failures) logError(log, error instanceof ConfigError ? 'error' : 'warn', error);
}

/** Throws for what is not worth going on with, or not wanted. The reasons have been logged. */
export function refuse(programs: LoadedPrograms, strict: boolean, log: Log): void {
  const failed = failuresOf(programs);
  if (strict && failed.length > 0) {
    throw new MeterError('load', `strict: ${failed.length === 1 ? 'a program' : `${failed.length} programs`} failed`, {
      remedy: 'Leave the failing ones out with --only, or go on without them by leaving out --strict.',
    });
  }
  if (isAnyAttached(programs)) return;
  if (failed.length === 0 && programs.running.length === 0) {
    throw new MeterError('config', 'no program is enabled, so there is nothing to measure', {
      remedy: 'See "ebpf-meter list" for those that there are.',
    });
  }
  if (strict || (programs.running.length === 0 && failed.every(({ code }) => code === 'config'))) {
    throw new MeterError('attach', 'nothing could be attached, so there is nothing to measure');
  }
  log.error('nothing could be attached, so nothing is counted: the metrics say so until the next start', {
    metric: 'ebpf_meter.program.attached',
  });
}
