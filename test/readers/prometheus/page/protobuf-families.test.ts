import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TablePlan } from '../../../../src/config/plan.ts';
import { Store } from '../../../../src/metrics/store.ts';
import { Tallies } from '../../../../src/metrics/tallies.ts';
import { makeFamilies, type Naming, writeFamilies } from '../../../../src/readers/prometheus/page/family.ts';
import { nativeLayout } from '../../../../src/readers/prometheus/page/native-histogram.ts';
import { PageBuffer, PagePool } from '../../../../src/readers/prometheus/page/page-buffer.ts';
import { protobufFamilies } from '../../../../src/readers/prometheus/page/protobuf-families.ts';
import {
  counter,
  FakeMap,
  fakeReaders,
  histogram,
  NO_FACTS,
  programPlan,
  tablePlan,
} from '../../../helpers/fake-maps.ts';
import { decodeFamilies } from '../../../helpers/metric-families.ts';

async function page(plans: TablePlan[], maps: FakeMap[], naming: Partial<Naming> = {}) {
  const readers = fakeReaders(maps);
  const store = new Store(
    [{ plan: programPlan('test', plans), readers, startTime: [1, 500] }],
    NO_FACTS,
    new Tallies(),
  );
  await store.read();
  // One byte, so that the buffer has to grow all the time.
  const buffer = new PageBuffer(new PagePool(), 1);
  const all = {
    translation: 'underscore_escaping_with_suffixes',
    escaping: 'underscores',
    constant: [],
    ...naming,
  } as const;
  await writeFamilies(makeFamilies(store.tables, all, protobufFamilies), buffer);
  return decodeFamilies(buffer.bytes.subarray(0, buffer.length));
}

const created = { seconds: '1', nanos: 500 };

describe('a page in protobuf', () => {
  it('of counters, with the time when they began', async () => {
    const map = new FakeMap('events', 8, 8);
    map.set([1, 2], [0]);
    map.set([3, 4], [2n ** 53n]);
    const plan = tablePlan('events', ['system.device', 'op'], 1, [counter('ebpf.io', { unit: 'By', help: 'a\n"b"' })]);
    const labels = (device: string, op: string) => [
      { name: 'system_device', value: device },
      { name: 'op', value: op },
      { name: 'otel_scope_name', value: 'x' },
    ];
    assert.deepEqual(await page([plan], [map], { constant: [['otel_scope_name', 'x']] }), [
      {
        name: 'ebpf_io_bytes_total',
        help: 'a\n"b"',
        type: 0,
        unit: 'bytes',
        metric: [
          { label: labels('1', '2'), counter: { value: 0, createdTimestamp: created } },
          { label: labels('3', '4'), counter: { value: 2 ** 53, createdTimestamp: created } },
        ],
      },
    ]);
  });

  it('of a gauge without labels, scaled to its unit', async () => {
    const map = new FakeMap('age', 0, 8);
    map.set([], [1500]);
    const scale = { multiplier: 1, divisor: 1000 };
    const plan = tablePlan('age', [], 1, [counter('ebpf.age', { kind: 'gauge', unit: 's', scale })]);
    const [family] = await page([plan], [map]);
    assert.deepEqual([family!.type, family!.metric], [1, [{ gauge: { value: 1.5 } }]]);
  });

  for (const length of [0, 1, 90, 120, 127, 128, 300, 20_000]) {
    it(`of label values of ${length} bytes, and escaped ones`, async () => {
      const text = '\\"\n'.repeat(length).slice(0, length);
      const map = new FakeMap('events', Math.max(4, length), 8);
      map.content.set(Buffer.from(text).toString('hex').padEnd(8, '0'), Buffer.from(new BigUint64Array([5n]).buffer));
      const plan = tablePlan('events', ['a.b'], 1, [counter('events')]);
      const size = Math.max(4, length);
      const labels = plan.labels.map((label) => ({ ...label, size, decoders: [{ name: 'string' }] }));
      const naming = { translation: 'no_translation', escaping: 'allow-utf-8' } as const;
      const [family] = await page([{ ...plan, keySize: size, labels }], [map], naming);
      const [metric] = family!.metric;
      assert.equal(family!.name, 'events');
      assert.deepEqual(
        metric!.label!.map(({ name, value }) => [name, value ?? '']),
        [['a.b', text]],
      );
      assert.equal(metric!.counter!.value, 5);
    });
  }

  it('of a histogram: explicit buckets cumulated, each slot a native bucket as the difference to the one before', async () => {
    const map = new FakeMap('size', 4, 56);
    map.set([7], [2, 0, 3, 0, 9, 4, 1009]);
    map.set([8], [0, 0, 0, 0, 0, 0, 0]);
    map.set([9], [0, 0, 0, 0, 0, 6, 1]);
    const bytes = {
      unit: 'By',
      bounds: [1, 2, 4, 8, 16],
      le: [],
      sum: { cell: 6, scale: { multiplier: 1, divisor: 1 } },
    };
    const [family] = await page([tablePlan('size', ['dev'], 7, [histogram('size', 5, bytes)])], [map]);
    const bucket = (...counts: number[]) =>
      counts.map((count, index) => ({ cumulativeCount: String(count), upperBound: 2 ** index }));
    const common = { schema: 0, zeroThreshold: 1, createdTimestamp: created };
    assert.deepEqual(
      family!.metric.map((metric) => metric.histogram),
      [
        {
          ...common,
          sampleCount: '18',
          sampleSum: 1009,
          bucket: bucket(2, 2, 5, 5, 14),
          zeroCount: '2',
          positiveSpan: [{ offset: 2, length: 4 }],
          positiveDelta: ['3', '-3', '9', '-5'],
        },
        { ...common, sampleCount: '0', sampleSum: 0, bucket: bucket(0, 0, 0, 0, 0), zeroCount: '0' },
        {
          ...common,
          sampleCount: '6',
          sampleSum: 1,
          bucket: bucket(0, 0, 0, 0, 0),
          zeroCount: '0',
          positiveSpan: [{ offset: 5, length: 1 }],
          positiveDelta: ['6'],
        },
      ],
    );
  });

  it('of a histogram with other bounds has explicit buckets alone, and no sum where none is kept', async () => {
    const map = new FakeMap('size', 0, 24);
    map.set([], [2, 3, 4]);
    const linear = { powersOfTwo: false, sum: undefined, unit: '', bounds: [10, 20] };
    const [family] = await page([tablePlan('size', [], 3, [histogram('size', 2, linear)])], [map]);
    const { schema, sampleSum, sampleCount, bucket, positiveSpan } = family!.metric[0]!.histogram!;
    assert.deepEqual([schema, sampleSum, sampleCount, positiveSpan], [undefined, Number.NaN, '9', undefined]);
    assert.deepEqual(
      bucket!.map(({ cumulativeCount }) => cumulativeCount),
      ['2', '5'],
    );
  });

  it('has nothing of a metric without series', async () => {
    assert.deepEqual(await page([tablePlan('a', ['a'], 1, [counter('a')])], [new FakeMap('a', 4, 8)]), []);
  });
});

describe('nativeLayout', () => {
  const cases: [bounds: number[], zeroThreshold: number, firstIndex: number][] = [
    [[1, 2, 4], 1, 1],
    [[8, 16], 8, 4],
    [[0.5, 1], 0.5, 0],
    [[1e-6, 2e-6], 2 ** -20, -19],
    [[1e-9, 2e-9], 2 ** -30, -29],
    [[1e-3, 2e-3], 2 ** -10, -9],
  ];
  for (const [bounds, zeroThreshold, firstIndex] of cases) {
    it(`of ${bounds}`, () => {
      const layout = nativeLayout(histogram('a', 1, { bounds }));
      assert.deepEqual(layout, { zeroThreshold, firstIndex });
      assert.ok(Math.abs(zeroThreshold / bounds[0]! - 1) < 0.07);
    });
  }

  it('is undefined where a view asks for explicit buckets, and not where it asks for exponential ones', () => {
    assert.equal(nativeLayout(histogram('a', 2, { aggregation: 'explicit' })), undefined);
    const exponential = nativeLayout(histogram('a', 2, { aggregation: 'exponential' }));
    assert.ok(exponential);
    assert.deepEqual(exponential, nativeLayout(histogram('a', 2)));
  });

  it('is undefined where slots are no powers of two, or there is no bound', () => {
    assert.equal(nativeLayout(histogram('a', 2, { powersOfTwo: false })), undefined);
    assert.equal(nativeLayout(histogram('a', 0, { bounds: [] })), undefined);
  });
});
