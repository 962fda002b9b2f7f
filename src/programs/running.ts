import type { HrTime } from '@opentelemetry/api';
import type { ProgramPlan } from '../config/plan.ts';
import type { MeterError } from '../errors.ts';
import type { ProgramInfo } from '../libbpf/stats.ts';
import type { MapReaders } from '../maps/reading.ts';
import type { AbsentMetrics } from './absent.ts';
import type { CgroupIds } from './cgroup-ids.ts';
import type { HookOutcome } from './ways.ts';

/** What became of one BPF program (C function) of an object. */
export interface AttachedProgram {
  readonly bpfProgram: string;
  readonly section: string;
  /** `not loaded`: nothing that is exported needs it, it is part of a way that wasn't taken, or its section begins with `?`. */
  readonly state: 'attached' | 'not loaded' | 'failed';
  /** Why it failed, or, of an attached one, which of its hooks it isn't attached to; with a remedy. */
  readonly error: MeterError | undefined;
}

/** A program that counts until it is disposed. */
export interface RunningProgram extends Disposable {
  readonly name: string;
  readonly plan: ProgramPlan;
  /** In the order of the object. */
  readonly attached: readonly AttachedProgram[];
  /** Hooks with ways in, and which way was taken. */
  readonly hooks: readonly HookOutcome[];
  /** Names of enabled metrics that count nothing, since a BPF program that they need failed. */
  readonly lost: readonly string[];
  /** Enabled metrics that aren't in `plan`, since this machine can't give them. */
  readonly absent: readonly AbsentMetrics[];
  readonly readers: MapReaders;
  /**
   * What can be detached before the rest of it, in that order, each by disposal: it counts no more, and can still be read.
   * Disposing the program detaches the others.
   */
  readonly links: readonly Disposable[];
  /** When the first BPF program was attached. */
  readonly startTime: HrTime;
  /** Id, tag and statistics of a BPF program; undefined where it isn't loaded. Throws MeterError('load'). */
  info(bpfProgram: string): ProgramInfo | undefined;
  /** The map that it asks the exporter to keep the cgroups' ids in; undefined: there is none. */
  readonly cgroupIds: CgroupIds | undefined;
  /** Events that its maps without C and its PERF_EVENT_ARRAY maps have missed so far, and cgroups that have no place in its map. */
  losses(): Iterable<Loss & { readonly map: string }>;
  /** Of each part that has perf events by CPU. */
  unwatched(): Iterable<Unwatched>;
}

/** What perf events have missed for want of knowing that a CPU had come. */
export interface Unwatched {
  /** The map, or the BPF program. */
  readonly part: string;
  /** CPU time, at most. */
  readonly milliseconds: number;
}

/** Events that are missing in a map. */
export interface Loss {
  /** A word: `map_full`, `nested`. */
  readonly reason: string;
  readonly count: number;
}
