import type { PerfEventsSpec } from '../../config/plan.ts';
import { possibleCpus } from '../../kernel/cpus.ts';
import type { Entries, EntriesReader } from '../../maps/reading.ts';
import type { CountedEvent } from './counted-event.ts';
import { PerfGroups } from './perf-groups.ts';
import { Turns } from './perf-turns.ts';
import { ScaledCounts } from './scaled-counts.ts';
import type { RunningSource, SourceOf } from './starter.ts';

/**
 * Counts on each CPU, all of its tasks and interrupts together. A CPU that went offline keeps what it has counted.
 * Throws MeterError('attach').
 */
export function startByCpu({ map, counts }: SourceOf<PerfEventsSpec>, events: readonly CountedEvent[]): RunningSource {
  using stack = new DisposableStack();
  const reopened: number[] = [];
  const attributes = events.map((event) => event.attributes);
  // Members of one group are of one unit, or count everywhere.
  const cpus = events.find((event) => event.cpus !== undefined)?.cpus;
  const groups = stack.use(new PerfGroups(map, attributes, (cpu) => reopened.push(cpu), { cpus }));
  groups.enable();
  const all = stack.move();
  const table = new CpuTable(events, counts.events.length);
  return {
    reader: {
      ...shapeOf(map, counts.events.length),
      read() {
        groups.followCpus();
        for (const cpu of reopened.splice(0)) table.begin(cpu);
        for (const cpu of groups.cpus) table.add(cpu, groups.read(cpu));
        table.turns.check(map);
        return table.entries();
      },
    },
    attached: [{ bpfProgram: map, section: 'perf_event', state: 'attached', error: undefined }],
    absent: [],
    unwatchedMs: () => groups.unwatchedMs,
    [Symbol.dispose]: () => all.dispose(),
  };
}

function shapeOf(map: string, events: number): Omit<EntriesReader, 'read'> {
  const valueSize = events * 8;
  const shape = { keySize: 4, valueSize, valueStride: valueSize, cpus: 1, cpuNumbers: [] };
  return { map, ...shape, maxEntries: possibleCpus().count, dropsWhenFull: false };
}

/** The entries of the map: a CPU's number, and a u64 per event of the map, 0 for those that aren't counted. */
export class CpuTable {
  readonly turns = new Turns();
  readonly #events: readonly CountedEvent[];
  readonly #width: number;
  readonly #counts = new Map<number, ScaledCounts>();
  #keys = new Uint32Array(0);
  #values = new BigUint64Array(0);

  constructor(events: readonly CountedEvent[], width: number) {
    this.#events = events;
    this.#width = width;
  }

  /** The CPU's events count from 0 now. */
  begin(cpu: number): void {
    const counts = this.#counts.get(cpu);
    if (counts === undefined) this.#counts.set(cpu, new ScaledCounts(this.#events.length));
    else counts.restart();
  }

  /** Takes what PerfGroups.read gives; nothing of a CPU that is gone. */
  add(cpu: number, words: BigUint64Array | undefined): void {
    if (words === undefined) return;
    const [, enabled = 0n, running = 0n] = words;
    this.#counts.get(cpu)!.add(enabled, running, words, 3);
    this.turns.note(enabled, running);
  }

  entries(): Entries {
    const count = this.#counts.size;
    if (this.#keys.length !== count) {
      this.#keys = new Uint32Array(count);
      this.#values = new BigUint64Array(count * this.#width);
    }
    let entry = 0;
    for (const [cpu, { totals }] of this.#counts) {
      this.#keys[entry] = cpu;
      this.#events.forEach(({ place }, event) => {
        this.#values[entry * this.#width + place] = totals[event]!;
      });
      entry++;
    }
    return { count, keys: new Uint8Array(this.#keys.buffer), values: new Uint8Array(this.#values.buffer) };
  }
}
