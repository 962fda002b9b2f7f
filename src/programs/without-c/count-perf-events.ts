import type { PerfEventPlan, PerfEventsSpec } from '../../config/plan.ts';
import { isSoftware } from '../../config/without-c/perf-event-names.ts';
import { MeterError } from '../../errors.ts';
import type { HookPresence } from '../../kernel/hooks.ts';
import { hasPmu } from '../../kernel/pmu.ts';
import type { AbsentMetrics } from '../absent.ts';
import type { CountedEvent } from './counted-event.ts';
import { countingCpus, perfAttributes } from './perf-attributes.ts';
import { startByCpu } from './perf-by-cpu.ts';
import { startByTask } from './perf-by-task.ts';
import { canCount } from './perf-groups.ts';
import type { RunningSource, SourceOf, Starter } from './starter.ts';

/**
 * Perf events: by CPU they are read where the numbers are asked for, and cost nothing else; by process name or cgroup a BPF
 * program adds them up whenever a CPU changes tasks. Events that nothing counts here are left out of the group.
 */
export const countPerfEvents: Starter<PerfEventsSpec> = {
  start(source) {
    const counted: CountedEvent[] = [];
    const missing: PerfEventPlan[] = [];
    const failed: { event: PerfEventPlan; error: MeterError }[] = [];
    source.counts.events.forEach((event, place) => {
      // One that no enabled metric reads would only take a counter of the PMU.
      if (readingOf(source, [event]).length === 0) return;
      try {
        const attributes = perfAttributes(event);
        const cpus = countingCpus(event);
        if (cpus !== undefined && source.counts.by !== 'cpu') throw notByTask(event);
        if (attributes !== undefined && canCount(`${source.map}: ${event.name}`, attributes, cpus)) {
          counted.push({ place, attributes, cpus });
        } else missing.push(event);
      } catch (error) {
        if (!(error instanceof MeterError)) throw error;
        failed.push({ event, error });
      }
    });
    const absent = [
      ...(missing.length === 0 ? [] : [absence(source, missing)]),
      ...failed.map(({ event, error: { message: reason } }): AbsentMetrics => {
        return { metrics: readingOf(source, [event]), level: 'warn', reason };
      }),
    ];
    if (counted.length === 0) {
      if (failed[0] !== undefined) throw failed[0].error;
      return { reader: undefined, attached: [], absent, [Symbol.dispose]: () => {} };
    }
    const running = source.counts.by === 'cpu' ? startByCpu(source, counted) : startByTask(source, counted);
    return { ...running, absent: [...running.absent, ...absent] } satisfies RunningSource;
  },
  describe({ counts }) {
    const names = counts.events.map(sectionOf);
    const state = whetherCounted(counts.events);
    return { sections: counts.by === 'cpu' ? names : [...names, 'tp_btf/sched_switch'], state };
  },
};

/** As a BPF program of that hook has it, which tells the rights that it takes. */
function sectionOf({ name, event }: PerfEventPlan): string {
  return event.kind === 'tracepoint' ? `tracepoint/${event.category}/${event.name}` : `perf_event/${name}`;
}

/** Full names of the metrics that read one of these events. */
function readingOf({ metrics }: SourceOf<PerfEventsSpec>, events: readonly PerfEventPlan[]): string[] {
  const names = events.map(({ name }) => name);
  return metrics.filter(({ field }) => field !== undefined && names.includes(field)).map(({ name }) => name);
}

function notByTask({ name }: PerfEventPlan): MeterError {
  return new MeterError('attach', `perf event "${name}": counts for a whole package, so it can't be told whose it is`);
}

function absence(source: SourceOf<PerfEventsSpec>, events: readonly PerfEventPlan[]): AbsentMetrics {
  const isHardware = events.every((event) => !isSoftware(event));
  const why = isHardware && !hasPmu() ? 'this machine has no PMU' : 'this machine has no such event';
  const what = events.map(({ name }) => name).join(', ');
  return { metrics: readingOf(source, events), level: 'info', reason: `${why} to count ${what}` };
}

function whetherCounted(events: readonly PerfEventPlan[]): HookPresence {
  const hardware = events.filter((event) => !isSoftware(event)).map(({ name }) => name);
  if (hardware.length === 0) return { state: 'there' };
  const reason = `this machine has no PMU to count ${hardware.join(', ')}`;
  if (!hasPmu()) return { state: hardware.length === events.length ? 'missing' : 'unknown', reason };
  return { state: 'unknown', reason: 'whether the PMU counts all of these shows when they are opened' };
}
