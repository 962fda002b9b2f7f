// Programs: found, chosen, loaded, attached and detached again; in without-c/ what counts for maps without C. May be
// imported by `exporter` and `cli`.

import { MeterError } from '../errors.ts';
import { markAttached } from '../libbpf/attach/post-attach-mark.ts';
import { joinEqualMetrics } from './join.ts';
import { readHooks } from './kernel-hooks.ts';
import type { FailedProgram, PreparedPrograms } from './prepare.ts';
import type { RunningProgram } from './running.ts';
import { startProgram } from './start.ts';

export interface LoadedPrograms extends Disposable {
  readonly running: readonly RunningProgram[];
  /** Those that could not be opened or loaded as a whole. */
  readonly failures: readonly FailedProgram[];
  /** Metrics that were left out, since another program's is in the way. */
  readonly conflicts: readonly MeterError[];
}

/** Loads and attaches each program for itself, and tells them when all are attached; disposing detaches them in reverse order. */
export function loadAll(prepared: PreparedPrograms): LoadedPrograms {
  using stack = new DisposableStack();
  const running: RunningProgram[] = [];
  const failures = [...prepared.failures];
  using kernel = readHooks();
  for (const { plan, object } of prepared.programs) {
    const bpfPrograms = (object?.layout().programs ?? [])
      .map(({ name }) => name)
      .filter((name) => !plan.skip.has(name));
    try {
      running.push(stack.use(startProgram(plan, object, kernel)));
    } catch (error) {
      if (!(error instanceof MeterError)) throw error;
      failures.push({ name: plan.name, error, bpfPrograms });
    }
  }
  const attached = running.flatMap((program) => program.attached.filter(({ state }) => state === 'attached'));
  markAttached(attached.map(({ section }) => section));
  const all = stack.move();
  const { conflicts } = prepared;
  return { running: joinEqualMetrics(running), failures, conflicts, [Symbol.dispose]: () => all.dispose() };
}

/**
 * Everything that failed, of whole programs, of single BPF programs and of single metrics. What this kernel has no way in to is no failure,
 * unless it is for want of a right.
 */
export function failuresOf({ running, failures, conflicts }: LoadedPrograms): MeterError[] {
  return [
    ...failures.map(({ error }) => error),
    ...conflicts,
    ...running.flatMap(({ attached, hooks }) => [...attached, ...hooks].flatMap(({ error }) => error ?? [])),
  ];
}

/** Whether anything counts. */
export function isAnyAttached({ running }: LoadedPrograms): boolean {
  return running.some(({ attached }) => attached.some(({ state }) => state === 'attached'));
}
