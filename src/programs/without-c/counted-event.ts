import type { PerfEventAttributes } from '../../libbpf/perf-event.ts';

/** An event that this machine counts, and its place in the map's value. */
export interface CountedEvent {
  readonly place: number;
  readonly attributes: PerfEventAttributes;
  /** The CPUs that count it for others; undefined: each for itself. */
  readonly cpus?: readonly number[] | undefined;
}
