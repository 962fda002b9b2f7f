import { repeat } from '../background.ts';
import { possibleCpus } from '../kernel/cpus.ts';

/** What counts on one CPU until it is disposed. */
export interface OnCpu extends Disposable {
  /**
   * Nanoseconds that it has been enabled for. They stand still from when its CPU went offline: the kernel takes events off a
   * CPU that goes and doesn't put them back (perf_event_exit_cpu of kernel/events/core.c). Less than before where that shows
   * otherwise. Throws MeterError.
   */
  enabled(): bigint;
}

interface EachCpuOptions {
  /** The only CPUs that are wanted; all that are possible unless set. */
  readonly cpus?: readonly number[] | undefined;
  /** A clock in milliseconds that never goes back; performance.now unless set. */
  readonly now?: () => number;
}

/** How long a CPU may be there before it is noticed, where nothing asks more often. */
const lookMs = 1000;

/**
 * One of a kind on every CPU that there is, those that come later included. Which CPUs are online is asked by opening: in
 * a container the file that says so may be another's (lxcfs shows the container's share of them).
 */
export class EachCpu<One extends OnCpu> implements Disposable {
  readonly #cpus: readonly number[];
  readonly #now: () => number;
  readonly #open: (cpu: number) => One | undefined;
  /** With how long it was enabled when that was asked last, and when that was. */
  readonly #opened = new Map<number, { readonly one: One; enabled: bigint; asked: number }>();
  /** When it was known last that this CPU isn't there, or that all was well with it. */
  readonly #seen = new Map<number, number>();
  #unwatchedMs = 0;
  #isClosed = false;

  /** `open` gives undefined where the CPU isn't online. Throws what it throws, with all closed. */
  constructor(open: (cpu: number) => One | undefined, options: EachCpuOptions = {}) {
    const { cpus, now = () => performance.now() } = options;
    const { numbers } = possibleCpus();
    this.#cpus = cpus === undefined ? numbers : numbers.filter((cpu) => cpus.includes(cpu));
    this.#now = now;
    this.#open = open;
    try {
      for (const cpu of this.#cpus) this.#try(cpu);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
    this.#unwatchedMs = 0;
  }

  /** By CPU. */
  *[Symbol.iterator](): Iterator<readonly [number, One]> {
    for (const [cpu, { one }] of this.#opened) yield [cpu, one];
  }

  get(cpu: number): One | undefined {
    return this.#opened.get(cpu)?.one;
  }

  /** CPU time, at most, in milliseconds, in which a CPU was there and nothing was open on it. */
  get unwatchedMs(): number {
    return this.#unwatchedMs;
  }

  /** Opens what is missing, on CPUs that have come since. Throws what `open` throws, when all others have been tried. */
  openMissing(): void {
    const errors: unknown[] = [];
    if (this.#isClosed) return;
    for (const cpu of this.#cpus) {
      if (this.#opened.has(cpu)) continue;
      try {
        this.#try(cpu);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  /**
   * The same, and anew where the CPU was gone, which shows when its time has stood still since the call before. Costs a system
   * call for each CPU.
   */
  follow(): void {
    for (const [cpu, opened] of [...this.#opened]) {
      const enabled = opened.one.enabled();
      if (enabled <= opened.enabled) {
        this.#opened.delete(cpu);
        opened.one[Symbol.dispose]();
      } else {
        const now = this.#now();
        // It may have gone since: all was well for as long as it was enabled.
        this.#seen.set(cpu, Math.min(now, opened.asked + Number(enabled - opened.enabled) / 1e6));
        opened.enabled = enabled;
        opened.asked = now;
      }
    }
    this.openMissing();
  }

  #try(cpu: number): void {
    const now = this.#now();
    const one = this.#open(cpu);
    if (one !== undefined) {
      this.#opened.set(cpu, { one, enabled: -1n, asked: now });
      this.#unwatchedMs += now - (this.#seen.get(cpu) ?? now);
    }
    this.#seen.set(cpu, now);
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const { one } of this.#opened.values()) one[Symbol.dispose]();
    this.#opened.clear();
  }
}

/** Opens what is missing every second, in the background, until it is disposed. */
export function followCpus(task: string, each: Pick<EachCpu<OnCpu>, 'openMissing'>): Disposable {
  return repeat(task, lookMs, () => each.openMissing());
}
