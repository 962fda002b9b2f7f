import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';

/** What ftrace saw of one task, in seconds, to a microsecond, each list in its order. */
interface TracedTimes {
  /** From each wake-up or preemption until it ran; NaN where the trace has no begin. */
  readonly waits: readonly number[];
  /** From each coming to a CPU until it left. */
  readonly runs: readonly number[];
}

/** The kernel's own tracer at the scheduler's events of one task. Source: Documentation/trace/ftrace.rst. */
interface TracedTask extends Disposable {
  read(): TracedTimes;
}

/** Traces until it is disposed, by the clock that BPF programs read; `name` is of this tracer alone. */
export function traceTask(name: string, pid: number): TracedTask {
  const instance = `/sys/kernel/tracing/instances/ebpf-meter-${name}`;
  mkdirSync(instance);
  const events = {
    sched_wakeup: `pid == ${pid}`,
    sched_wakeup_new: `pid == ${pid}`,
    sched_switch: `prev_pid == ${pid} || next_pid == ${pid}`,
  };
  writeFileSync(`${instance}/trace_clock`, 'mono');
  for (const [event, filter] of Object.entries(events)) {
    writeFileSync(`${instance}/events/sched/${event}/filter`, filter);
    writeFileSync(`${instance}/events/sched/${event}/enable`, '1');
  }
  return {
    read: () => timesIn(readFileSync(`${instance}/trace`, 'latin1'), pid),
    [Symbol.dispose]() {
      writeFileSync(`${instance}/tracing_on`, '0');
      rmdirSync(instance);
    },
  };
}

const line = /\s(\d+\.\d+): (sched_\w+): (?:.* prev_pid=(\d+) .* prev_state=(\S+) .* next_pid=(\d+))?/;

function timesIn(trace: string, pid: number): TracedTimes {
  const waits: number[] = [];
  const runs: number[] = [];
  let queued = Number.NaN;
  let came = Number.NaN;
  let isRunning = false;
  for (const [, at, event, previous, state, next] of trace.split('\n').flatMap((text) => [line.exec(text) ?? []])) {
    const time = Number(at);
    if (event === 'sched_switch' && Number(next) === pid) {
      waits.push(time - queued);
      [queued, came, isRunning] = [Number.NaN, time, true];
    } else if (event === 'sched_switch' && Number(previous) === pid) {
      if (isRunning) runs.push(time - came);
      isRunning = false;
      // R+ is one that was preempted, whatever it was about to do.
      if (state!.startsWith('R')) queued = time;
    } else if (event !== undefined && !isRunning && Number.isNaN(queued)) {
      queued = time;
    }
  }
  return { waits, runs };
}
