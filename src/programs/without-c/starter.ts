import type { CountSpec, SourceWithoutC } from '../../config/plan.ts';
import type { HookPresence } from '../../kernel/hooks.ts';
import type { ProgramInfo } from '../../libbpf/stats.ts';
import type { EntriesReader } from '../../maps/reading.ts';
import type { AbsentMetrics } from '../absent.ts';
import type { AttachedProgram, Loss } from '../running.ts';

/** A map without C of one kind. */
export type SourceOf<Spec extends CountSpec> = SourceWithoutC & { readonly counts: Spec };

/** How maps without C of one kind are counted. One file in this folder each, listed in starters.ts. */
export interface Starter<Spec extends CountSpec = CountSpec> {
  /**
   * Begins to count. Throws MeterError where nothing of it works: the LibbpfError of what the kernel refused as its cause,
   * which the caller explains. What this machine can't count by its nature is no error, but `absent`.
   */
  start(source: SourceOf<Spec>): RunningSource;
  /** What `list` says of it; nothing is loaded, and no rights are needed. */
  describe(source: SourceOf<Spec>): SourceDescription;
}

/** Counts until it is disposed. */
export interface RunningSource extends Disposable {
  /** The entries of its map, with keys and values as its layout has them; undefined where all of its metrics are absent. */
  readonly reader: EntriesReader | undefined;
  /** What it is attached to; the names are the map's, with what tells them apart behind it where they are several. */
  readonly attached: readonly AttachedProgram[];
  /** The reason without the subject, which is the map. */
  readonly absent: readonly AbsentMetrics[];
  /** Of what is `attached` and a BPF program. Throws MeterError('load'). */
  info?(name: string): ProgramInfo | undefined;
  /** What can be detached before the rest of it, in that order; its numbers can still be read. */
  readonly links?: readonly Disposable[];
  /** What it should have counted and didn't, since it began; each `reason` once. */
  losses?(): Iterable<Loss>;
  /** CPU time, at most, in milliseconds, in which a CPU that had just come was not counted. */
  unwatchedMs?(): number;
}

export interface SourceDescription {
  /** Sections, as BPF programs have them: what it attaches to, and what that takes of rights. */
  readonly sections: readonly string[];
  readonly state: HookPresence;
}
