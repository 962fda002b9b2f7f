import type { PerfEventsSpec } from '../../config/plan.ts';
import { possibleCpus } from '../../kernel/cpus.ts';
import type { LoadedObject } from '../../libbpf/loaded.ts';
import { update } from '../../libbpf/map.ts';
import { OpenedObject } from '../../libbpf/object.ts';
import { runOnCpu } from '../../libbpf/test-run.ts';
import { mapReaders } from '../../maps/readers.ts';
import type { Entries, EntriesReader, MapReaders } from '../../maps/reading.ts';
import { sizeForCpus } from '../percpu.ts';
import type { Loss } from '../running.ts';
import type { CountedEvent } from './counted-event.ts';
import { genericObject } from './object.ts';
import { PerfGroups } from './perf-groups.ts';
import { Turns } from './perf-turns.ts';
import { ScaledCounts } from './scaled-counts.ts';
import type { RunningSource, SourceOf } from './starter.ts';

/** Of programs/generic/perf_by.bpf.c. */
const atSwitch = 'task_leaves';
const atReading = 'task_runs';
/** struct counts begins with two times, in u64s. */
const timeWords = 2;

/**
 * Counts by the name or cgroup of the task that ran: a BPF program adds up what each turn of a task on a CPU counted, when
 * the task leaves the CPU, and for the tasks that are running at each reading. Throws MeterError('load', 'attach').
 */
export function startByTask(source: SourceOf<PerfEventsSpec>, events: readonly CountedEvent[]): RunningSource {
  const { map, counts } = source;
  using stack = new DisposableStack();
  const object = stack.use(load(source, events.length));
  const readers = stack.use(mapReaders(object));
  const array = object.map('events');
  const groups = stack.use(
    new PerfGroups(
      map,
      events.map(({ attributes }) => attributes),
      (cpu, fds) => {
        fds.forEach((fd, event) => {
          update(array.fd, Uint32Array.of(cpu * events.length + event), Uint32Array.of(fd));
        });
      },
    ),
  );
  // Attached while the events stand at 0: then the first turn's counts are all its own.
  stack.use(object.attach(atSwitch));
  groups.enable();
  const all = stack.move();

  const target = object.target(atReading);
  const addRunning = () => {
    groups.followCpus();
    for (const cpu of groups.cpus) runOnCpu(target, cpu);
  };
  return {
    reader: taskReader(map, readers.entries('by_task'), events, counts.events.length, addRunning),
    attached: [{ bpfProgram: map, section: 'tp_btf/sched_switch', state: 'attached', error: undefined }],
    absent: [],
    info: (name) => (name === map ? object.programInfo(atSwitch) : undefined),
    losses: () => lossesIn(readers),
    unwatchedMs: () => groups.unwatchedMs,
    [Symbol.dispose]: () => all.dispose(),
  };
}

function load({ counts }: SourceOf<PerfEventsSpec>, events: number): LoadedObject {
  const cpus = possibleCpus().indexes;
  using object = OpenedObject.open(genericObject('perf_by'));
  object.setConstant('event_count', events);
  object.setConstant('by_cgroup', counts.by === 'cgroup' ? 1 : 0);
  object.setMaxEntries('events', cpus * events);
  object.setMaxEntries('by_task', counts.limit);
  for (const table of ['last', 'lost']) sizeForCpus(object, table, cpus);
  return object.load();
}

/**
 * The entries as the map's layout has them: a u64 for each of its `width` events, from the counts of all CPUs, which are
 * scaled where the events shared the PMU with others.
 */
function taskReader(
  map: string,
  raw: EntriesReader,
  events: readonly CountedEvent[],
  width: number,
  addRunning: () => void,
): EntriesReader {
  const scaled = new Map<string, ScaledCounts>();
  const turns = new Turns();
  const sums = new BigUint64Array(timeWords + events.length);
  let values = new BigUint64Array(0);
  const valueSize = width * 8;
  return {
    map,
    keySize: raw.keySize,
    valueSize,
    valueStride: valueSize,
    cpus: 1,
    cpuNumbers: [],
    maxEntries: raw.maxEntries,
    dropsWhenFull: raw.dropsWhenFull,
    remove(key) {
      raw.remove!(key);
      scaled.delete(textOf(key));
    },
    read(): Entries {
      addRunning();
      const entries = raw.read();
      if (values.length < entries.count * width) values = new BigUint64Array(Math.ceil(entries.count * 1.25) * width);
      const { buffer, byteOffset } = entries.values;
      for (let entry = 0; entry < entries.count; entry++) {
        const words = new BigUint64Array(buffer, byteOffset + entry * raw.valueStride, raw.valueStride / 8);
        sum(words, raw.valueSize / 8, sums);
        const key = entries.keys.subarray(entry * raw.keySize, (entry + 1) * raw.keySize);
        const counts = countsOf(scaled, textOf(key), events.length);
        turns.note(sums[0]!, sums[1]!);
        counts.add(sums[0]!, sums[1]!, sums, timeWords);
        for (const [event, { place }] of events.entries()) values[entry * width + place] = counts.totals[event]!;
      }
      turns.check(map);
      return { count: entries.count, keys: entries.keys, values: new Uint8Array(values.buffer) };
    },
  };
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}

/** Adds up each CPU's struct counts, `stride` words apart, as far as there is room for events. */
function sum(words: BigUint64Array, stride: number, sums: BigUint64Array): void {
  sums.fill(0n);
  for (let from = 0; from < words.length; from += stride) {
    for (let word = 0; word < sums.length; word++) sums[word]! += words[from + word]!;
  }
}

function countsOf(all: Map<string, ScaledCounts>, key: string, events: number): ScaledCounts {
  let counts = all.get(key);
  if (counts === undefined) {
    counts = new ScaledCounts(events);
    all.set(key, counts);
  }
  return counts;
}

/** struct lost_changes of each CPU, in elements of 128 bytes. */
function lossesIn(readers: MapReaders): Loss[] {
  const bytes = readers.memory('lost').read();
  const words = new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
  let full = 0n;
  let unread = 0n;
  for (let from = 0; from < words.length; from += 16) {
    full += words[from]!;
    unread += words[from + 1]!;
  }
  return [
    { reason: 'map_full', count: Number(full) },
    { reason: 'cpu_new', count: Number(unread) },
  ];
}
