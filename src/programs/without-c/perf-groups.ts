import { closeSync } from 'node:fs';
import { inBackground } from '../../background.ts';
import { MeterError } from '../../errors.ts';
import { possibleCpus } from '../../kernel/cpus.ts';
import { EachCpu, followCpus, type OnCpu } from '../../libbpf/each-cpu.ts';
import { libbpfCause } from '../../libbpf/error.ts';
import { enablePerfEvent, openPerfEvent, type PerfEventAttributes, readPerfGroup } from '../../libbpf/perf-event.ts';
import { coreKinds, onCore } from './perf-attributes.ts';

/** The kernel's ways of saying that nothing counts an event here: no PMU at all, or not this event. */
const notCounted: ReadonlySet<string> = new Set(['ENOENT', 'EOPNOTSUPP', 'ENOTSUPP', 'EINVAL']);

/** Whether this machine counts an event at all, on the first of these CPUs that is online (of all, unless given); throws MeterError('attach') where it may not be asked. */
export function canCount(subject: string, attributes: PerfEventAttributes, cpus?: readonly number[]): boolean {
  const kinds = coreKinds();
  for (const cpu of cpus ?? possibleCpus().numbers) {
    try {
      closeSync(openPerfEvent('attach', subject, onCore(attributes, cpu, kinds), cpu, undefined));
      return true;
    } catch (error) {
      const code = libbpfCause(error)?.code ?? '';
      // It is offline; the next one tells.
      if (code === 'ENODEV') continue;
      if (notCounted.has(code)) return false;
      throw error;
    }
  }
  return false;
}

/** A group of one CPU's events: fds, the leader's first. */
type GroupFds = readonly number[];

interface PerfGroupsOptions {
  /** The only CPUs that count; unset: all. */
  readonly cpus?: readonly number[] | undefined;
}

interface CpuGroup extends OnCpu {
  readonly fds: GroupFds;
  /** What `enabled` has read, once; else reads it anew. Undefined where the CPU is gone. */
  take(): BigUint64Array | undefined;
}

/**
 * The same group of events on every CPU. CPUs that come later are taken in by `followCpus`, to be called before each reading;
 * those that go are let go, and begin anew when they are back. A CPU whose group fails then costs itself alone.
 */
export class PerfGroups implements Disposable {
  readonly #subject: string;
  readonly #events: readonly PerfEventAttributes[];
  readonly #kinds = coreKinds();
  readonly #onOpen: (cpu: number, fds: GroupFds) => void;
  readonly #groups: EachCpu<CpuGroup>;
  readonly #follow: Disposable;
  #enabled = false;

  /**
   * Opens all, stopped. `onOpen` is told of each group, those of later CPUs too. Throws MeterError('attach') where a CPU's
   * group can't be opened.
   */
  constructor(
    subject: string,
    events: readonly PerfEventAttributes[],
    onOpen: (cpu: number, fds: GroupFds) => void,
    { cpus }: PerfGroupsOptions = {},
  ) {
    this.#subject = subject;
    this.#events = events;
    this.#onOpen = onOpen;
    this.#groups = new EachCpu((cpu) => this.#open(cpu), { cpus });
    this.#follow = followCpus(`${subject}: CPUs`, this.#groups);
  }

  get cpus(): readonly number[] {
    return [...this.#groups].map(([cpu]) => cpu);
  }

  /** CPU time, at most, in milliseconds, in which a CPU that had just come was not counted. */
  get unwatchedMs(): number {
    return this.#groups.unwatchedMs;
  }

  /** Starts all groups, and from now on those of CPUs that come. Throws MeterError('attach'). */
  enable(): void {
    this.#enabled = true;
    for (const [, { fds }] of this.#groups) enablePerfEvent('attach', this.#subject, fds[0]!);
  }

  /** Costs a system call for each CPU. What fails is counted and logged as what is done in the background. */
  followCpus(): void {
    inBackground(`${this.#subject}: CPUs`, () => this.#groups.follow());
  }

  /** Nanoseconds enabled and running, and the counts from index 3 on, until the next call; undefined where the CPU is gone. */
  read(cpu: number): BigUint64Array | undefined {
    return this.#groups.get(cpu)?.take();
  }

  [Symbol.dispose](): void {
    this.#follow[Symbol.dispose]();
    this.#groups[Symbol.dispose]();
  }

  /** Undefined of a CPU that is offline. */
  #open(cpu: number): CpuGroup | undefined {
    const events = this.#events.map((event) => onCore(event, cpu, this.#kinds));
    const subject = `${this.#subject}: CPU ${cpu}`;
    const fds = openGroup(this.#subject, events, cpu);
    if (fds === undefined) return undefined;
    try {
      this.#onOpen(cpu, fds);
      if (this.#enabled) enablePerfEvent('attach', subject, fds[0]!);
    } catch (error) {
      closeGroup(fds);
      throw error;
    }
    const words = new BigUint64Array(3 + fds.length);
    // A group that the kernel has taken off its CPU is no group any more, and says less.
    const read = () => (readPerfGroup(subject, fds[0]!, words) ? words : undefined);
    let isRead = false;
    return {
      fds,
      enabled() {
        isRead = read() !== undefined;
        return isRead ? words[1]! : -1n;
      },
      take() {
        const taken = isRead ? words : read();
        isRead = false;
        return taken;
      },
      [Symbol.dispose]: () => closeGroup(fds),
    };
  }
}

/** Undefined where the CPU is offline. */
function openGroup(subject: string, events: readonly PerfEventAttributes[], cpu: number): GroupFds | undefined {
  const fds: number[] = [];
  try {
    for (const event of events) fds.push(openPerfEvent('attach', `${subject}: CPU ${cpu}`, event, cpu, fds[0]));
    return fds;
  } catch (error) {
    closeGroup(fds);
    if (libbpfCause(error)?.code === 'ENODEV') return undefined;
    // Each event can be counted alone.
    if (libbpfCause(error)?.code === 'EINVAL' && fds.length > 0) {
      const message = `${subject}: the PMU of CPU ${cpu} has no counters for all ${events.length} events at once`;
      const remedy = 'Describe two maps with fewer "perf_events" each; rates between events are exact only within one';
      throw new MeterError('attach', message, { cause: error, remedy });
    }
    throw error;
  }
}

/** Members first: a member whose leader is gone would become an event of its own. */
function closeGroup(fds: GroupFds): void {
  for (const fd of [...fds].reverse()) closeSync(fd);
}
