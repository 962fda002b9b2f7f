import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ValueType } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationTemporality, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import { prometheusMetricName } from '../../../src/config/names/prometheus.ts';
import type { MetricPlan, TablePlan } from '../../../src/config/plan.ts';
import type { Rows } from '../../../src/metrics/rows.ts';
import { Store } from '../../../src/metrics/store.ts';
import { Tallies } from '../../../src/metrics/tallies.ts';
import { makeFamilies, writeFamilies } from '../../../src/readers/prometheus/page/family.ts';
import { PageBuffer, PagePool } from '../../../src/readers/prometheus/page/page-buffer.ts';
import { textFamilies } from '../../../src/readers/prometheus/page/text-families.ts';
import { counter, FakeMap, fakeReaders, histogram, NO_FACTS, programPlan, tablePlan } from '../../helpers/fake-maps.ts';
import { parsePrometheusText } from '../../helpers/prometheus-text.ts';

const STRATEGY = 'underscore_escaping_with_suffixes';

function stringLabel(plan: TablePlan): TablePlan {
  const labels = plan.labels.map((label) => ({ ...label, decoders: [{ name: 'string' }] }));
  return { ...plan, labels };
}

/** Families by name, each sample as name, labels and value in any order. */
function meaning(text: string) {
  const families = [...parsePrometheusText(text).families].map(([name, { type, help, samples }]) => {
    const lines = samples.map(({ name: sample, labels, value }) => {
      const le = labels.le;
      const sorted = Object.entries(le === undefined ? labels : { ...labels, le: String(Number(le)) }).toSorted();
      return JSON.stringify([sample, sorted, value]);
    });
    return [name, { type, help, samples: lines.toSorted() }] as const;
  });
  return Object.fromEntries(families);
}

/** A metric as the SDK would have collected it, under the page's name. */
function metricData(rows: Rows, metric: MetricPlan): MetricData {
  const name = prometheusMetricName(metric.name, metric.unit, metric.kind, STRATEGY);
  const used = Array.from({ length: rows.length }, (_, row) => row).filter((row) => rows.isUsed(row));
  const point = <Value>(row: number, value: Value) => {
    return {
      startTime: rows.startTime(row),
      endTime: [2, 0] as [number, number],
      attributes: rows.attributes(row),
      value,
    };
  };
  const cell = (row: number, column: number) => rows.cells[row * rows.plan.width + column]!;
  const common = {
    descriptor: { name, description: metric.help, unit: '', valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (metric.kind === 'histogram') {
    const { bounds: boundaries, slots, sum } = metric;
    const dataPoints = used.map((row) => {
      const slot = (at: number) => (at < slots ? cell(row, metric.cell + at) : 0);
      const counts = Array.from({ length: boundaries.length + 1 }, (_, at) => slot(at));
      const count = counts.reduce((one, other) => one + other);
      const total = sum && (cell(row, sum.cell) * sum.scale.multiplier) / sum.scale.divisor;
      return point(row, { buckets: { boundaries, counts }, count, ...(total !== undefined && { sum: total }) });
    });
    return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints } as MetricData;
  }
  const { multiplier, divisor } = metric.scale;
  const dataPoints = used.map((row) => point(row, (cell(row, metric.cell) * multiplier) / divisor));
  if (metric.kind === 'gauge') return { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
  return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
}

describe('the fast page', () => {
  it('means the same as the stock serializer makes of the same reading', async () => {
    const events = new FakeMap('events', 8, 16, 2);
    events.set([0x62_22_61, 0x5c_0a_7a], [5, 1, 2 ** 40, 3]);
    events.set([0x64, 0x65], [0, 0, 0, 0]);
    events.set([0xff, 0xfe], [2n ** 60n, 9, 1, 1]);
    const latency = new FakeMap('latency', 4, 8 * 28);
    latency.set(
      [0x61],
      Array.from({ length: 28 }, (_, slot) => slot * 1_000_003),
    );
    latency.set(
      [0x62],
      Array.from({ length: 28 }, () => 0),
    );
    const source = { kind: 'entries', map: 'events', perCpu: 'sum', cache: undefined } as const;
    const plans: TablePlan[] = [
      {
        ...stringLabel(
          tablePlan('events', ['system.device', 'op'], 2, [
            counter('ebpf.io', { unit: 'By', help: 'Bytes \\ and\nlines' }),
            counter('ebpf.io.time', { cell: 1, unit: 's', scale: { multiplier: 1, divisor: 1e6 } }),
            counter('ebpf.level', { kind: 'gauge', cell: 1, unit: '1' }),
          ]),
        ),
        source,
      },
      stringLabel(tablePlan('latency', ['dev'], 28, [histogram('ebpf.latency', 26)])),
    ];
    const readers = fakeReaders([events, latency]);
    const program = { plan: programPlan('test', plans), readers, startTime: [1, 0] as [number, number] };
    const store = new Store([program], NO_FACTS, new Tallies());
    const { tables } = await store.read();

    const buffer = new PageBuffer(new PagePool(), 1);
    const naming = { translation: STRATEGY, escaping: 'underscores', constant: [] } as const;
    await writeFamilies(makeFamilies(store.tables, naming, textFamilies('text')), buffer);
    const fast = buffer.bytes.toString('utf8', 0, buffer.length);

    const metrics = tables.flatMap((rows) => rows.plan.metrics.map((metric) => metricData(rows, metric)));
    const scopeMetrics = [{ scope: { name: 'ebpf-meter', version: '1' }, metrics }];
    const serializer = new PrometheusSerializer('', false, undefined, true, true);
    const stock = serializer.serialize({ resource: resourceFromAttributes({}), scopeMetrics });

    const ours = meaning(fast);
    assert.deepEqual(ours, meaning(`${stock}\n`));
    assert.equal(Object.keys(ours).length, 4);
    assert.equal(
      Object.values(ours).reduce((sum, { samples }) => sum + samples.length, 0),
      3 * 3 + 2 * 29,
    );
  });
});
