import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { type CompatibleSources, observeCompatible } from '../../../src/metrics/own/compatible.ts';
import { Tallies } from '../../../src/metrics/tallies.ts';
import { version } from '../../../src/version.ts';

const attached = { program: 'bio', bpfProgram: 'issue', attached: true, id: 17, tag: 'abcdef0123456789' };
const detached = { program: 'bio', bpfProgram: 'complete', attached: false, id: 18, tag: '0123456789abcdef' };
const refused = { program: 'tcp', bpfProgram: 'connect', attached: false, id: undefined, tag: undefined };

const statistics = { ...attached, runTimeNs: 2_500_000_000, runCount: 97, missed: 0 };

/** By metric, for each point its attributes and value. */
async function collect(namespace: string, overrides: Partial<CompatibleSources>, tallies = new Tallies()) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  const sources = {
    configs: () => ['bio', 'tcp'],
    programs: () => [attached, detached, refused],
    statistics: () => [statistics],
    isRunTimeMeasured: () => false,
    ...overrides,
  };
  observeCompatible(provider.getMeter('test'), namespace, sources, tallies);
  const { resourceMetrics } = await reader.collect();
  await provider.shutdown();
  return new Map(
    resourceMetrics.scopeMetrics
      .flatMap(({ metrics }) => metrics)
      .map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.map(({ attributes, value }) => [attributes, value]),
      ]),
  );
}

test("ebpf_exporter's names and labels", async () => {
  const tallies = new Tallies();
  tallies.decodeError('tcp', 'connects', 'cgroup');
  tallies.undecoded('tcp', 2);
  tallies.undecoded('tcp', 1);
  const metrics = await collect('ebpf_exporter', { isRunTimeMeasured: () => true }, tallies);
  assert.deepEqual(Object.fromEntries(metrics), {
    'ebpf_exporter.build_info': [[{ version, revision: '', branch: '', goversion: '' }, 1]],
    'ebpf_exporter.enabled_configs': [
      [{ name: 'bio' }, 1],
      [{ name: 'tcp' }, 1],
    ],
    'ebpf_exporter.decoder_errors_total': [
      [{ config: 'bio' }, 0],
      [{ config: 'tcp' }, 3],
    ],
    'ebpf_exporter.ebpf_program_info': [
      [{ config: 'bio', program: 'issue', tag: 'abcdef0123456789', id: '17' }, 1],
      [{ config: 'bio', program: 'complete', tag: '0123456789abcdef', id: '18' }, 1],
      [{ config: 'tcp', program: 'connect', tag: '', id: 'tcp/connect' }, 1],
    ],
    'ebpf_exporter.ebpf_program_attached': [
      [{ id: '17' }, 1],
      [{ id: '18' }, 0],
      [{ id: 'tcp/connect' }, 0],
    ],
    'ebpf_exporter.ebpf_program_run_time_seconds': [[{ id: '17' }, 2.5]],
    'ebpf_exporter.ebpf_program_run_count_total': [[{ id: '17' }, 97]],
  });
});

test('without measured run time, and without a namespace', async () => {
  const metrics = await collect('', {});
  assert.deepEqual(
    [...metrics.keys()].filter((name) => (metrics.get(name)?.length ?? 0) > 0),
    ['build_info', 'enabled_configs', 'decoder_errors_total', 'ebpf_program_info', 'ebpf_program_attached'],
  );
});
