import {
  createNoopMeter,
  type Histogram,
  type Meter,
  type ObservableCounter,
  type ObservableGauge,
} from '@opentelemetry/api';
import { isOverflow } from '../overflow.ts';
import type { Reading } from '../rows.ts';
import type { Tallies } from '../tallies.ts';
import { observeCounts } from '../tally.ts';

/** One BPF program (C function) of a program that runs. */
export interface BpfProgramState {
  readonly program: string;
  readonly bpfProgram: string;
  readonly attached: boolean;
  /** What the kernel calls it, as bpftool shows it; undefined where it isn't loaded. */
  readonly id: number | undefined;
  readonly tag: string | undefined;
}

/** A hook with several ways in. */
export interface TakenWay {
  readonly program: string;
  readonly hook: string;
  /** The way that was taken; undefined where the kernel takes none, and metrics are absent or count without it. */
  readonly way: string | undefined;
}

/** What the kernel counted of a loaded BPF program: fields of struct bpf_prog_info. */
export interface BpfProgramStatistics {
  readonly program: string;
  readonly bpfProgram: string;
  /** Nanoseconds and runs; both stay 0 unless kernel.bpf_stats_enabled is on. */
  readonly runTimeNs: number;
  readonly runCount: number;
  /** recursion_misses: events that were lost since the program was running on that CPU already (since Linux 5.12). */
  readonly missed: number;
}

/** How full a BPF map is. */
interface MapFill {
  readonly program: string;
  readonly map: string;
  readonly entries: number;
  readonly capacity: number;
}

/** Events that a map without C or a perf event array should have counted and hasn't, since it began. */
export interface MapLoss {
  readonly program: string;
  readonly map: string;
  /** A word: `map_full`, `nested`. */
  readonly reason: string;
  readonly count: number;
}

/** What perf events have missed since a CPU had just come online. */
export interface CpuUnwatched {
  readonly program: string;
  /** The map, or the BPF program. */
  readonly part: string;
  /** CPU time, at most. */
  readonly milliseconds: number;
}

/** Who tells the health metrics their numbers; each is asked once per collection. */
export interface HealthSources {
  /** The last reading; undefined before the first. */
  reading(): Reading | undefined;
  /** As the last reading found them. */
  maps(): Iterable<MapFill>;
  losses(): Iterable<MapLoss>;
  unwatched(): Iterable<CpuUnwatched>;
  programs(): Iterable<BpfProgramState>;
  hooks(): Iterable<TakenWay>;
  /** Costs a system call for each program. */
  statistics(): Iterable<BpfProgramStatistics>;
  /** Whether the kernel measures run time; if not, the metrics of it are left out. */
  readonly bpfStats: boolean;
}

/** From 0.1 ms, an idle machine's reading, to 10 s, where a scraper has given up. */
const DURATION_BOUNDS = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/**
 * The exporter's own metrics: ordinary instruments on a Meter, all named `ebpf_meter.…`.
 * It is made before the readers, which report to it, and bound to their MeterProvider's Meter after.
 */
export class Health {
  readonly tallies: Tallies;
  #readDuration: Histogram;
  #collectionDuration: Histogram;
  #exportDuration: Histogram;

  constructor(tallies: Tallies) {
    this.tallies = tallies;
    const meter = createNoopMeter();
    this.#readDuration = meter.createHistogram('');
    this.#collectionDuration = meter.createHistogram('');
    this.#exportDuration = meter.createHistogram('');
  }

  /** Registers all instruments; what was recorded before is lost, what was tallied is not. */
  bind(meter: Meter, sources: HealthSources): void {
    const advice = { explicitBucketBoundaries: DURATION_BOUNDS };
    this.#readDuration = meter.createHistogram('ebpf_meter.read.duration', {
      description: 'Time to read all maps and to decode their new keys',
      unit: 's',
      advice,
    });
    this.#collectionDuration = meter.createHistogram('ebpf_meter.collection.duration', {
      description: "Time of a reader's collection of the programs' metrics, the reading of the maps included",
      unit: 's',
      advice,
    });
    this.#exportDuration = meter.createHistogram('ebpf_meter.export.duration', {
      description: 'Time of an export from its serialization to its answer, or to the failure',
      unit: 's',
      advice,
    });
    observeSeries(meter, sources);
    observeMaps(meter, sources);
    observeCpus(meter, sources);
    observePrograms(meter, sources);
    observeHooks(meter, sources);
    observeStatistics(meter, sources);
    observeTallies(meter, this.tallies);
    this.tallies.deliveries.observe(meter);
  }

  /** One reading of all maps. */
  mapsRead(seconds: number): void {
    this.#readDuration.record(seconds);
  }

  /** One collection by a reader of this kind: `prometheus`, `otlp_grpc`, `console`. */
  collected(reader: string, seconds: number): void {
    this.#collectionDuration.record(seconds, { reader });
  }

  /** One export by an exporter of this kind: `otlp_grpc`, `console`. */
  exported(exporter: string, seconds: number): void {
    this.#exportDuration.record(seconds, { exporter });
  }
}

function observeSeries(meter: Meter, sources: HealthSources): void {
  const series = meter.createObservableGauge('ebpf_meter.series', {
    description: 'Series of a metric in the last reading',
    unit: '{series}',
  });
  series.addCallback((result) => {
    // Readers with different limits have tables of their own.
    const most = new Map<string, { program: string; metric: string; used: number }>();
    for (const { plan, program, used, readable } of sources.reading()?.tables ?? []) {
      if (!readable || isOverflow(plan.labels)) continue;
      for (const { name: metric } of plan.metrics) {
        const key = JSON.stringify([program, metric]);
        if (used >= (most.get(key)?.used ?? 0)) most.set(key, { program, metric, used });
      }
    }
    for (const { program, metric, used } of most.values()) result.observe(used, { program, metric });
  });
}

function observeMaps(meter: Meter, sources: HealthSources): void {
  const entries = meter.createObservableGauge('ebpf_meter.map.entries', {
    description: 'Entries in a BPF map in the last reading',
    unit: '{entry}',
  });
  const capacity = meter.createObservableGauge('ebpf_meter.map.capacity', {
    description: 'Entries that a BPF map can hold; a full one drops new keys or, if it is an LRU map, evicts old ones',
    unit: '{entry}',
  });
  meter.addBatchObservableCallback(
    (result) => {
      for (const map of sources.maps()) {
        const attributes = { program: map.program, map: map.map };
        result.observe(entries, map.entries, attributes);
        result.observe(capacity, map.capacity, attributes);
      }
    },
    [entries, capacity],
  );
  observeCounts(
    meter,
    'ebpf_meter.map.lost',
    'Events that should be in a map without C or a perf event array and are not',
    '{event}',
    () => [...sources.losses()].map(({ program, map, reason, count }) => ({ program, map, reason, count })),
  );
}

function observeCpus(meter: Meter, sources: HealthSources): void {
  observeCounts(
    meter,
    'ebpf_meter.cpu.unwatched',
    'CPU time, at most, in which a CPU that had just come online was missing in perf events',
    's',
    () => [...sources.unwatched()].map(({ milliseconds, ...where }) => ({ ...where, count: milliseconds / 1000 })),
  );
}

function observePrograms(meter: Meter, sources: HealthSources): void {
  const attached = meter.createObservableGauge('ebpf_meter.program.attached', {
    description: '1 where a BPF program is attached, 0 where it should be and is not',
  });
  const info = meter.createObservableGauge('ebpf_meter.program.info', {
    description: 'Always 1; id and tag of a loaded BPF program, as bpftool shows them',
  });
  meter.addBatchObservableCallback(
    (result) => {
      for (const { program, bpfProgram, attached: isAttached, id, tag } of sources.programs()) {
        result.observe(attached, isAttached ? 1 : 0, { program, bpf_program: bpfProgram });
        if (id === undefined) continue;
        result.observe(info, 1, { program, bpf_program: bpfProgram, id: String(id), tag: tag ?? '' });
      }
    },
    [attached, info],
  );
}

function observeHooks(meter: Meter, sources: HealthSources): void {
  const attached = meter.createObservableGauge('ebpf_meter.hook.attached', {
    description: '1 where a way in to a hook was taken, which `way` names; 0 where the kernel takes none',
  });
  attached.addCallback((result) => {
    for (const { program, hook, way } of sources.hooks()) {
      result.observe(way === undefined ? 0 : 1, { program, hook, way: way ?? '' });
    }
  });
}

function observeStatistics(meter: Meter, sources: HealthSources): void {
  const missed = meter.createObservableCounter('ebpf_meter.bpf.missed', {
    description: 'Events that a BPF program missed since it was already running on that CPU',
    unit: '{event}',
  });
  const instruments: (ObservableCounter | ObservableGauge)[] = [missed];
  let runTime: ObservableCounter | undefined;
  let runCount: ObservableCounter | undefined;
  if (sources.bpfStats) {
    runTime = meter.createObservableCounter('ebpf_meter.bpf.run_time', {
      description: 'Time a BPF program ran, on all CPUs',
      unit: 's',
    });
    runCount = meter.createObservableCounter('ebpf_meter.bpf.run_count', {
      description: 'How often a BPF program ran',
      unit: '{run}',
    });
    instruments.push(runTime, runCount);
  }
  meter.addBatchObservableCallback((result) => {
    for (const statistics of sources.statistics()) {
      const attributes = { program: statistics.program, bpf_program: statistics.bpfProgram };
      result.observe(missed, statistics.missed, attributes);
      if (runTime !== undefined) result.observe(runTime, statistics.runTimeNs / 1e9, attributes);
      if (runCount !== undefined) result.observe(runCount, statistics.runCount, attributes);
    }
  }, instruments);
}

function observeTallies(meter: Meter, tallies: Tallies): void {
  observeCounts(
    meter,
    'ebpf_meter.decode.errors',
    'Keys whose label could not be decoded and which are therefore not exported',
    '{error}',
    () => tallies.decodeErrors(),
  );
  observeCounts(
    meter,
    'ebpf_meter.map.read.errors',
    'Readings of a BPF map that failed; its metrics are absent from those collections',
    '{error}',
    () => tallies.readErrors(),
  );
  observeCounts(
    meter,
    'ebpf_meter.map.expired',
    'Keys removed from a BPF map after the cgroup that they stood for was gone; their series end',
    '{key}',
    () => tallies.expired(),
  );
  observeCounts(
    meter,
    'ebpf_meter.series.overflowed',
    'Keys beyond the cardinality limit, which are summed into the series with otel.metric.overflow',
    '{key}',
    () => tallies.overflows(),
  );
  observeCounts(
    meter,
    'ebpf_meter.background.errors',
    'Failures of what the exporter does between readings; it is tried again',
    '{error}',
    () => tallies.backgroundErrors(),
  );
  observeCounts(
    meter,
    'ebpf_meter.scrape.rejections',
    'Requests to the Prometheus reader that were turned away, broken off or answered with an error',
    '{request}',
    () => [...tallies.scrapeRejections()].map(([reason, count]) => ({ reason, count })),
  );
  observeCounts(
    meter,
    'ebpf_meter.export.failures',
    'Exports that were not delivered, or of which the receiver rejected points (partial_success)',
    '{failure}',
    () =>
      [...tallies.exportErrors()].map(({ exporter, errorType, count }) => ({
        exporter,
        'error.type': errorType,
        count,
      })),
  );
}
