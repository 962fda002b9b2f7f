import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { Health, type HealthSources } from '../../../src/metrics/own/health.ts';
import { observeProcess } from '../../../src/metrics/own/process.ts';
import { Tallies } from '../../../src/metrics/tallies.ts';
import { counter, FakeRows, FakeStore, tablePlan } from '../../helpers/fake-rows.ts';
import { fakeSources, provide } from '../../helpers/reader-context.ts';

const ATTACHED = { program: 'block', bpfProgram: 'block_rq_issue', attached: true, id: 17, tag: 'abcdef0123456789' };
const REFUSED = { program: 'tcp', bpfProgram: 'tcp_retransmit', attached: false, id: undefined, tag: undefined };

test('programs: attached or not, and what the kernel calls them', async () => {
  const { collect } = setUp({ programs: () => [ATTACHED, REFUSED] });
  const metrics = await collect();
  assert.deepEqual(metrics.get('ebpf_meter.program.attached'), [
    [{ program: 'block', bpf_program: 'block_rq_issue' }, 1],
    [{ program: 'tcp', bpf_program: 'tcp_retransmit' }, 0],
  ]);
  assert.deepEqual(metrics.get('ebpf_meter.program.info'), [
    [{ program: 'block', bpf_program: 'block_rq_issue', id: '17', tag: 'abcdef0123456789' }, 1],
  ]);
});

test('hooks: which way in was taken, or none', async () => {
  const { collect } = setUp({
    hooks: () => [
      { program: 'fs', hook: 'ext4_read', way: 'kprobe' },
      { program: 'lock', hook: 'contention', way: undefined },
    ],
  });
  const metrics = await collect();
  assert.deepEqual(metrics.get('ebpf_meter.hook.attached'), [
    [{ program: 'fs', hook: 'ext4_read', way: 'kprobe' }, 1],
    [{ program: 'lock', hook: 'contention', way: '' }, 0],
  ]);
});

test('series of every metric of a readable table', async () => {
  const rows = new FakeRows(tablePlan('io', 2, [counter('ebpf.reads', 0), counter('ebpf.writes', 1)]));
  const broken = new FakeRows(tablePlan('broken', 1, [counter('ebpf.broken')]));
  broken.readable = false;
  rows.set('sda', [1, 2]);
  rows.set('sdb', [1, 2]);
  rows.set('sdc', [1, 2]);
  rows.remove('sda');
  const reading = await new FakeStore(rows, broken).read();
  const metrics = await setUp({ reading: () => reading }).collect();
  assert.deepEqual(metrics.get('ebpf_meter.series'), [
    [{ program: 'fake', metric: 'ebpf.reads' }, 2],
    [{ program: 'fake', metric: 'ebpf.writes' }, 2],
  ]);
});

test('series of tables that differ in their limits are those of the largest, whichever comes first', async () => {
  const filled = (count: number) => {
    const rows = new FakeRows(tablePlan('io', 1, [counter('ebpf.reads', 0)]));
    for (let i = 0; i < count; i++) rows.set(`sd${i}`, [1]);
    return rows;
  };
  for (const counts of [
    [2, 5],
    [5, 2],
  ]) {
    const reading = await new FakeStore(...counts.map(filled)).read();
    const metrics = await setUp({ reading: () => reading }).collect();
    assert.deepEqual(metrics.get('ebpf_meter.series'), [[{ program: 'fake', metric: 'ebpf.reads' }, 5]]);
  }
});

test('events that maps without C have missed', async () => {
  const losses = () => [{ program: 'vfs', map: 'calls', reason: 'map_full', count: 17 }];
  const metrics = await setUp({ losses }).collect();
  assert.deepEqual(metrics.get('ebpf_meter.map.lost'), [[{ program: 'vfs', map: 'calls', reason: 'map_full' }, 17]]);
});

test('maps: entries and capacity', async () => {
  const maps = () => [{ program: 'block', map: 'block_io', entries: 12, capacity: 1024 }];
  const metrics = await setUp({ maps }).collect();
  assert.deepEqual(metrics.get('ebpf_meter.map.entries'), [[{ program: 'block', map: 'block_io' }, 12]]);
  assert.deepEqual(metrics.get('ebpf_meter.map.capacity'), [[{ program: 'block', map: 'block_io' }, 1024]]);
});

test('BPF statistics: run time only where the kernel measures it, misses always', async () => {
  const statistics = () => [
    { program: 'sched', bpfProgram: 'sched_switch', runTimeNs: 2_500_000_000, runCount: 7, missed: 3 },
  ];
  const attributes = { program: 'sched', bpf_program: 'sched_switch' };
  const off = await setUp({ statistics }).collect();
  assert.deepEqual(off.get('ebpf_meter.bpf.missed'), [[attributes, 3]]);
  assert.equal(off.has('ebpf_meter.bpf.run_time'), false);
  assert.equal(off.has('ebpf_meter.bpf.run_count'), false);
  const on = await setUp({ statistics, bpfStats: true }).collect();
  assert.deepEqual(on.get('ebpf_meter.bpf.missed'), [[attributes, 3]]);
  assert.deepEqual(on.get('ebpf_meter.bpf.run_time'), [[attributes, 2.5]]);
  assert.deepEqual(on.get('ebpf_meter.bpf.run_count'), [[attributes, 7]]);
});

test('tallies, also of what happened before there was a Meter', async () => {
  const { tallies, collect } = setUp({}, (early) => early.decodeError('block', 'block_io', 'dev'));
  tallies.decodeError('block', 'block_io', 'dev');
  tallies.decodeError('block', 'block_io', 'op');
  tallies.readError('tcp', 'retransmits');
  tallies.exportError('otlp_grpc', 'UNAVAILABLE');
  const metrics = await collect();
  assert.deepEqual(metrics.get('ebpf_meter.decode.errors'), [
    [{ program: 'block', table: 'block_io', label: 'dev' }, 2],
    [{ program: 'block', table: 'block_io', label: 'op' }, 1],
  ]);
  assert.deepEqual(metrics.get('ebpf_meter.map.read.errors'), [[{ program: 'tcp', map: 'retransmits' }, 1]]);
  assert.deepEqual(metrics.get('ebpf_meter.export.failures'), [
    [{ exporter: 'otlp_grpc', 'error.type': 'UNAVAILABLE' }, 1],
  ]);
});

test('durations fall into buckets from 0.1 ms to 10 s', async () => {
  const { health, collect } = setUp();
  for (const seconds of [0.00005, 0.0001, 0.003, 9, 11]) health.mapsRead(seconds);
  health.collected('prometheus', 0.02);
  health.exported('otlp_grpc', 0.3);
  const metrics = await collect();
  const [[, read]] = metrics.get('ebpf_meter.read.duration') as [[unknown, HistogramValue]];
  assert.deepEqual(read.buckets.counts, [2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
  const [[attributes, collection]] = metrics.get('ebpf_meter.collection.duration') as [[unknown, HistogramValue]];
  assert.deepEqual(attributes, { reader: 'prometheus' });
  assert.equal(collection.sum, 0.02);
  const [[exporter, exported]] = metrics.get('ebpf_meter.export.duration') as [[unknown, HistogramValue]];
  assert.deepEqual(exporter, { exporter: 'otlp_grpc' });
  assert.equal(exported.sum, 0.3);
});

test('before there is a Meter, durations go nowhere', () => {
  const health = new Health(new Tallies());
  health.mapsRead(1);
  health.collected('prometheus', 1);
  health.exported('console', 1);
});

test('process: CPU time, memory, uptime, the event loop', async () => {
  const { provider, collect } = setUp();
  observeProcess(provider.getMeter('ebpf-meter', '1.2.3'));
  const metrics = await collect();
  const [user, system] = metrics.get('process.cpu.time')!;
  assert.deepEqual(user![0], { 'cpu.mode': 'user' });
  assert.deepEqual(system![0], { 'cpu.mode': 'system' });
  assert.ok((user![1] as number) > 0.01 && (user![1] as number) < 600);
  const [[, resident]] = metrics.get('process.memory.usage') as [[unknown, number]];
  assert.ok(resident > 10e6 && resident < 1e9);
  const [[, uptime]] = metrics.get('process.uptime') as [[unknown, number]];
  assert.ok(uptime > 0 && uptime < 600);
  assert.deepEqual(
    metrics.get('nodejs.eventloop.time')!.map(([attributes]) => attributes),
    [{ 'nodejs.eventloop.state': 'active' }, { 'nodejs.eventloop.state': 'idle' }],
  );
});

interface HistogramValue {
  readonly buckets: { readonly counts: number[] };
  readonly sum: number;
}

function setUp(overrides: Partial<HealthSources> = {}, early?: (tallies: Tallies) => void) {
  const tallies = new Tallies();
  early?.(tallies);
  const health = new Health(tallies);
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = provide([reader], health, fakeSources(overrides));
  /** By metric, for each point its attributes and value. */
  const collect = async () => {
    const { resourceMetrics, errors } = await reader.collect();
    assert.deepEqual(errors, []);
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    return new Map(
      metrics.map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.map(({ attributes, value }) => [attributes, value]),
      ]),
    );
  };
  return { health, tallies, provider, collect };
}
