import type { Meter } from '@opentelemetry/api';
import { version } from '../../version.ts';
import type { Tallies } from '../tallies.ts';
import type { BpfProgramState, BpfProgramStatistics } from './health.ts';

/** Who tells ebpf_exporter's metrics about itself their numbers. */
export interface CompatibleSources {
  /** Names of the programs that run, ebpf_exporter's configs. */
  configs(): Iterable<string>;
  programs(): Iterable<BpfProgramState>;
  statistics(): Iterable<BpfProgramStatistics>;
  /** Whether the kernel measures run time; asked at each collection. */
  isRunTimeMeasured(): boolean;
}

/**
 * ebpf_exporter's metrics about itself, under the names and labels that it has them (exporter/exporter.go, version 2), so
 * that dashboards and alerts on them go on: NAMESPACE.enabled_configs and others. It ends where a program isn't loaded; here
 * such a one goes on as not attached, and instead of an id has CONFIG/PROGRAM, since its metrics are joined by id. The build's
 * labels are those of prometheus/common's version package, which all exporters in Go have.
 */
export function observeCompatible(
  meter: Meter,
  namespace: string,
  sources: CompatibleSources,
  tallies: Pick<Tallies, 'undecodedMetrics'>,
): void {
  const named = (name: string) => (namespace === '' ? name : `${namespace}.${name}`);
  const build = meter.createObservableGauge(named('build_info'), {
    description: 'Always 1; the version of ebpf-meter, where ebpf_exporter has its own',
  });
  build.addCallback((result) => result.observe(1, { version, revision: '', branch: '', goversion: '' }));
  const configs = meter.createObservableGauge(named('enabled_configs'), {
    description: 'Always 1; programs that run, by the name of their file',
  });
  configs.addCallback((result) => {
    for (const name of sources.configs()) result.observe(1, { name });
  });
  const errors = meter.createObservableCounter(named('decoder_errors_total'), {
    description: 'Readings of metrics that lack keys since a label of these could not be decoded',
  });
  errors.addCallback((result) => {
    const counts = new Map([...sources.configs()].map((name) => [name, 0]));
    for (const { program, count } of tallies.undecodedMetrics()) counts.set(program, count);
    for (const [config, count] of counts) result.observe(count, { config });
  });
  observePrograms(meter, named, sources);
  observeRunTime(meter, named, sources);
}

function observePrograms(meter: Meter, named: (name: string) => string, sources: CompatibleSources): void {
  const info = meter.createObservableGauge(named('ebpf_program_info'), {
    description: 'Always 1; the names of a BPF program, and its tag and id as bpftool shows them',
  });
  const attached = meter.createObservableGauge(named('ebpf_program_attached'), {
    description: '1 where a BPF program is attached, 0 where it should be and is not',
  });
  meter.addBatchObservableCallback(
    (result) => {
      for (const state of sources.programs()) {
        const { program: config, bpfProgram: program, tag = '' } = state;
        const id = idOf(state);
        result.observe(info, 1, { config, program, tag, id });
        result.observe(attached, state.attached ? 1 : 0, { id });
      }
    },
    [info, attached],
  );
}

function observeRunTime(meter: Meter, named: (name: string) => string, sources: CompatibleSources): void {
  const runTime = meter.createObservableCounter(named('ebpf_program_run_time_seconds'), {
    description: 'Time a BPF program ran, on all CPUs',
  });
  const runCount = meter.createObservableCounter(named('ebpf_program_run_count_total'), {
    description: 'How often a BPF program ran',
  });
  meter.addBatchObservableCallback(
    (result) => {
      if (!sources.isRunTimeMeasured()) return;
      const ids = new Map([...sources.programs()].map((state) => [keyOf(state), idOf(state)]));
      for (const statistics of sources.statistics()) {
        const id = ids.get(keyOf(statistics)) ?? keyOf(statistics);
        result.observe(runTime, statistics.runTimeNs / 1e9, { id });
        result.observe(runCount, statistics.runCount, { id });
      }
    },
    [runTime, runCount],
  );
}

function idOf(state: BpfProgramState): string {
  return state.id === undefined ? keyOf(state) : String(state.id);
}

function keyOf({ program, bpfProgram }: Pick<BpfProgramState, 'program' | 'bpfProgram'>): string {
  return `${program}/${bpfProgram}`;
}
