/** A load of bench/kernel/load.c: its name, how many operations a repetition has, and what it is told besides. */
export interface Load {
  readonly name: string;
  readonly operations: number;
  /** A block device of the benchmark's own is its argument. */
  readonly device?: boolean;
  /** It is measured on two CPUs at once too. */
  readonly contends?: boolean;
  /** Nanoseconds per operation tell something too: it is nothing but CPU time on one CPU. */
  readonly timed?: boolean;
  /**
   * Runs in a network namespace of its own, and is told an address: one that never answers, or the namespace's own; then
   * it is a load of network.c.
   */
  readonly network?: 'silent' | 'loopback';
}

/** Metrics that are measured together, and what they may cost. */
export interface Case {
  readonly program: string;
  readonly metrics: readonly string[];
  /** By hook, the way in that is measured: else the first; of hooks that a metric needs any of, only those named here. */
  readonly ways?: Readonly<Record<string, string>>;
  readonly load: Load;
  /** At most so many nanoseconds above the empty programs, by the kernel's statistics, all programs of an event together. */
  readonly net?: number;
  /** The same with the empty programs and the statistics' own cost in it. */
  readonly gross?: number;
  /** At most so many nanoseconds per operation of the load, end to end. */
  readonly added?: number;
}

/** BPF programs of the benchmark's own, and the empty ones that they are held against. */
export interface Plain {
  readonly title: string;
  /** Of this folder. */
  readonly object: 'peer' | 'design';
  readonly programs: readonly string[];
  /** Names in empty.bpf.c. */
  readonly empty: readonly string[];
  readonly load: Load;
  readonly net?: number | undefined;
}
