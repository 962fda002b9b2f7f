import { closeSync } from 'node:fs';
import { MeterError } from '../../errors.ts';
import { onlineCpuList, parseCpuList } from '../../kernel/cpus.ts';
import { libbpfCause } from '../../libbpf/error.ts';
import { enablePerfEvent, openPerfEvent, type PerfEventAttributes, readPerfGroup } from '../../libbpf/perf-event.ts';
import { coreKinds, onCore } from './perf-attributes.ts';

/** The kernel's ways of saying that nothing counts an event here: no PMU at all, or not this event. */
const notCounted: ReadonlySet<string> = new Set(['ENOENT', 'EOPNOTSUPP', 'ENOTSUPP', 'EINVAL', 'ENODEV']);

/** Whether this machine counts an event at all, on the first of these CPUs (all, unless given); throws MeterError('attach') where it may not be asked. */
export function canCount(subject: string, attributes: PerfEventAttributes, cpus?: readonly number[]): boolean {
  const [cpu = 0] = cpus ?? parseCpuList(onlineCpuList()).numbers;
  try {
    closeSync(openPerfEvent('attach', subject, onCore(attributes, cpu, coreKinds()), cpu, undefined));
    return true;
  } catch (error) {
    if (notCounted.has(libbpfCause(error)?.code ?? '')) return false;
    throw error;
  }
}

/** A group of one CPU's events: fds, the leader's first. */
export type GroupFds = readonly number[];

export interface PerfGroupsOptions {
  /** The only CPUs that count; unset: all. */
  readonly cpus?: readonly number[] | undefined;
  /** The list of CPUs that are online, as the kernel writes it; unset: the kernel's. */
  readonly online?: () => string;
}

/**
 * The same group of events on every CPU that is online. CPUs that come later are taken in by `followCpus`, to be called
 * before each reading; those that go are let go, and begin anew when they are back.
 */
export class PerfGroups implements Disposable {
  readonly #subject: string;
  readonly #events: readonly PerfEventAttributes[];
  readonly #cpus: readonly number[] | undefined;
  readonly #kinds = coreKinds();
  readonly #list: () => string;
  readonly #onOpen: (cpu: number, fds: GroupFds) => void;
  readonly #groups = new Map<number, GroupFds>();
  readonly #words: BigUint64Array;
  #online = '';

  /**
   * Opens all, stopped. `onOpen` is told of each group, those of later CPUs too. Throws MeterError('attach') where a CPU's
   * group can't be opened.
   */
  constructor(
    subject: string,
    events: readonly PerfEventAttributes[],
    onOpen: (cpu: number, fds: GroupFds) => void,
    { cpus, online = onlineCpuList }: PerfGroupsOptions = {},
  ) {
    this.#subject = subject;
    this.#events = events;
    this.#onOpen = onOpen;
    this.#cpus = cpus;
    this.#list = online;
    this.#words = new BigUint64Array(3 + events.length);
    try {
      this.#openMissing(this.#list());
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  get cpus(): readonly number[] {
    return [...this.#groups.keys()];
  }

  /** Starts all groups. Throws MeterError('attach'). */
  enable(): void {
    for (const [leader] of this.#groups.values()) enablePerfEvent('attach', this.#subject, leader!);
  }

  /** Costs the reading of one small file where nothing has changed. Throws MeterError('attach'). */
  followCpus(): void {
    const online = this.#list();
    if (online === this.#online) return;
    for (const [leader] of this.#openMissing(online)) enablePerfEvent('attach', this.#subject, leader!);
  }

  /** Nanoseconds enabled and running, and the counts from index 3 on, until the next call; undefined where the CPU is gone. */
  read(cpu: number): BigUint64Array | undefined {
    const leader = this.#groups.get(cpu)?.[0];
    if (leader === undefined) return undefined;
    return readPerfGroup(`${this.#subject}: CPU ${cpu}`, leader, this.#words) ? this.#words : undefined;
  }

  [Symbol.dispose](): void {
    for (const fds of this.#groups.values()) closeGroup(fds);
    this.#groups.clear();
  }

  /** Undefined of a CPU that has gone offline since it was listed. */
  #open(cpu: number): GroupFds | undefined {
    const events = this.#events.map((event) => onCore(event, cpu, this.#kinds));
    try {
      return openGroup(this.#subject, events, cpu);
    } catch (error) {
      if (libbpfCause(error)?.code === 'ENODEV') return undefined;
      throw error;
    }
  }

  #openMissing(online: string): GroupFds[] {
    const numbers = parseCpuList(online).numbers.filter((cpu) => this.#cpus?.includes(cpu) ?? true);
    for (const [cpu, fds] of this.#groups) {
      if (numbers.includes(cpu)) continue;
      closeGroup(fds);
      this.#groups.delete(cpu);
    }
    const opened = new Map<number, GroupFds>();
    try {
      for (const cpu of numbers) {
        const fds = this.#groups.has(cpu) ? undefined : this.#open(cpu);
        if (fds !== undefined) opened.set(cpu, fds);
      }
    } catch (error) {
      for (const fds of opened.values()) closeGroup(fds);
      throw error;
    }
    for (const [cpu, fds] of opened) {
      this.#groups.set(cpu, fds);
      this.#onOpen(cpu, fds);
    }
    this.#online = online;
    return [...opened.values()];
  }
}

function openGroup(subject: string, events: readonly PerfEventAttributes[], cpu: number): GroupFds {
  const fds: number[] = [];
  try {
    for (const event of events) fds.push(openPerfEvent('attach', `${subject}: CPU ${cpu}`, event, cpu, fds[0]));
    return fds;
  } catch (error) {
    closeGroup(fds);
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
