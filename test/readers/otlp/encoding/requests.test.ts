import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HistogramMetricPlan, MetricPlan } from '../../../../src/config/plan.ts';
import { counter, FakeRows, gauge, ONE, tablePlan } from '../../../helpers/fake-rows.ts';
import { encoding } from '../encoding.ts';
import { LATENCY } from '../set-up.ts';

const NUMBERS: readonly { what: string; raw: number; scale: typeof ONE; value: number | bigint }[] = [
  { what: 'as it is', raw: 7, scale: ONE, value: 7n },
  { what: 'sectors to bytes', raw: 3, scale: { multiplier: 512, divisor: 1 }, value: 1536n },
  { what: 'ns to s', raw: 1500, scale: { multiplier: 1, divisor: 1e9 }, value: 1.5e-6 },
  { what: 'us to s, exactly', raw: 3, scale: { multiplier: 1, divisor: 1e6 }, value: 3e-6 },
  { what: 'times a fraction', raw: 3, scale: { multiplier: 1.5, divisor: 1 }, value: 4.5 },
  { what: '2^53', raw: 2 ** 53, scale: ONE, value: 9007199254740992n },
  { what: 'the last integer of OTLP', raw: 2 ** 63 - 1024, scale: ONE, value: 2n ** 63n - 1024n },
  { what: 'beyond the integers of OTLP', raw: 2 ** 63, scale: ONE, value: 2 ** 63 },
  { what: 'the largest u64', raw: 2 ** 64, scale: ONE, value: 2 ** 64 },
];

for (const { what, raw, scale, value } of NUMBERS) {
  test(`number: ${what}`, async () => {
    for (const metric of [counter('m', 1, scale), gauge('m', 1, scale)]) {
      assert.equal((await onlyPoint(metric, [99, raw, 99])).value, value);
    }
  });
}

test('number: a negative gauge', async () => {
  assert.equal((await onlyPoint(gauge('m'), [-(2 ** 63)])).value, -(2n ** 63n));
  assert.equal((await onlyPoint(gauge('m'), [-1])).value, -1n);
});

test('labels: escapes, other scripts, long and empty ones come back', async () => {
  const keys = ['', 'a"b\\c\nd', 'é⚙️中', 'x'.repeat(127), 'x'.repeat(128), 'ü'.repeat(9000), '="', '\\'];
  for (const metric of [counter('m'), LATENCY, { ...LATENCY, bounds: [1, 2], unit: '' }]) {
    const rows = new FakeRows(tablePlan('t', 6, [metric]));
    for (const key of keys) rows.set(key, [1, 1, 1, 1, 1, 1]);
    const [request] = await encoding([rows], 'cumulative', 'base2_exponential_bucket_histogram').send(1, () => true);
    assert.deepEqual(
      request!.metrics[0]!.points.map(({ attributes }) => attributes),
      keys.map((key) => ({ key })),
    );
  }
});

const sizes: HistogramMetricPlan = {
  kind: 'histogram',
  name: 'ebpf.size',
  help: 'Sizes',
  unit: 'By',
  cell: 0,
  bounds: [1, 2, 4, 8],
  le: ['1', '2', '4', '8'],
  slots: 5,
  sum: { cell: 5, scale: ONE },
  powersOfTwo: true,
};

describe('exponential histograms of scale 0', () => {
  const cases: readonly { what: string; plan: Partial<HistogramMetricPlan>; cells: number[]; point: object }[] = [
    {
      what: '(1, 2] is bucket 0, what is at most 1 the zero bucket, what is above 8 the next bucket',
      plan: {},
      cells: [3, 5, 0, 7, 2, 99],
      point: { count: 17, sum: 99, zeroCount: 3, zeroThreshold: 1, positive: { offset: 0, counts: [5, 0, 7, 2] } },
    },
    {
      what: 'empty buckets at both ends are left out',
      plan: {},
      cells: [0, 0, 6, 0, 0, 20],
      point: { count: 6, sum: 20, zeroCount: 0, zeroThreshold: 1, positive: { offset: 1, counts: [6] } },
    },
    {
      what: 'only zeros',
      plan: {},
      cells: [4, 0, 0, 0, 0, 0],
      point: { count: 4, sum: 0, zeroCount: 4, zeroThreshold: 1, positive: { offset: 0, counts: [] } },
    },
    {
      what: 'nothing yet, without a sum',
      plan: { sum: undefined },
      cells: [0, 0, 0, 0, 0, 0],
      point: { count: 0, zeroCount: 0, zeroThreshold: 1, positive: { offset: 0, counts: [] } },
    },
    {
      what: 'below one: (1/8, 1/4] is bucket -3',
      plan: { bounds: [0.125, 0.25, 0.5, 1] },
      cells: [1, 2, 3, 4, 5, 6],
      point: { count: 15, sum: 6, zeroCount: 1, zeroThreshold: 0.125, positive: { offset: -3, counts: [2, 3, 4, 5] } },
    },
    {
      what: 'large counts',
      plan: {},
      cells: [0, 2 ** 40, 128, 0, 0, 1],
      point: {
        count: 2 ** 40 + 128,
        sum: 1,
        zeroCount: 0,
        zeroThreshold: 1,
        positive: { offset: 0, counts: [2 ** 40, 128] },
      },
    },
  ];
  for (const { what, plan, cells, point } of cases) {
    test(what, async () => {
      const rows = new FakeRows(tablePlan('t', 6, [{ ...sizes, ...plan }]));
      rows.set('a', cells);
      const encoder = encoding([rows], 'cumulative', 'base2_exponential_bucket_histogram');
      const [metric] = (await encoder.send(1000, () => true))[0]!.metrics;
      assert.equal(metric!.kind, 'exponentialHistogram');
      assert.equal(metric!.temporality, 'cumulative');
      const { attributes, start, time, ...rest } = metric!.points[0]!;
      assert.deepEqual(rest, { scale: 0, ...point });
      assert.deepEqual([attributes, start, time], [{ key: 'a' }, 100_000_000_000n, 1_000_000_000_000n]);
    });
  }

  for (const [what, plan] of [
    ['microseconds in seconds', { bounds: [1e-6, 2e-6, 4e-6, 8e-6] }],
    ['linear bounds', { bounds: [1, 2, 3, 4], powersOfTwo: false }],
    ['powers of two with a gap', { bounds: [1, 2, 8, 16] }],
  ] as const) {
    test(`${what} stay explicit`, async () => {
      const rows = new FakeRows(tablePlan('t', 6, [{ ...sizes, ...plan }]));
      rows.set('a', [1, 2, 3, 4, 5, 6]);
      const encoder = encoding([rows], 'delta', 'base2_exponential_bucket_histogram');
      const [metric] = (await encoder.send(1000, () => true))[0]!.metrics;
      assert.equal(metric!.kind, 'histogram');
      assert.deepEqual(metric!.points[0]!.counts, [1, 2, 3, 4, 5]);
    });
  }
});

describe('requests', () => {
  test('have one metric each, and none where a table has no series', async () => {
    const { rows, send } = setUp(3);
    const [request, ...others] = await send(1000, () => true);
    assert.equal(others.length, 0);
    assert.deepEqual(
      request!.metrics.map(({ name, points }) => [name, points.length]),
      [
        ['m', 3],
        ['h', 3],
      ],
    );
    for (const key of ['0', '1', '2']) rows.remove(key);
    assert.deepEqual(await send(1010, () => true), []);
  });

  for (const limits of [
    { bytes: 700, points: Number.POSITIVE_INFINITY },
    { bytes: 1000, points: Number.POSITIVE_INFINITY },
    { bytes: Number.POSITIVE_INFINITY, points: 7 },
    { bytes: Number.POSITIVE_INFINITY, points: 1 },
    { bytes: 900, points: 3 },
    { bytes: 10, points: 100 },
  ]) {
    test(`are limited to ${limits.bytes} bytes and ${limits.points} points, with every point once`, async () => {
      const { send } = setUp(23);
      const sent = await send(1000, () => true, limits);
      assert.ok(sent.length > 2);
      for (const { size, points } of sent) {
        // A point that is larger than that goes alone.
        assert.ok(size <= limits.bytes || points === 1, `${size} bytes`);
        assert.ok(points > 0 && points <= limits.points);
      }
      const points = sent.flatMap(({ metrics }) =>
        metrics.flatMap((metric) => metric.points.map(({ attributes }) => `${metric.name} ${attributes.key}`)),
      );
      assert.equal(points.length, 46);
      assert.equal(new Set(points).size, 46);
      assert.deepEqual(await send(1000, () => true, { ...limits, points: 1 }).then((all) => all.length), 46);
    });
  }

  test('are acknowledged one by one: those that failed come again, the others don’t', async () => {
    const { rows, send } = setUp(10);
    const limits = { bytes: Number.POSITIVE_INFINITY, points: 4 };
    const total = new Map<string, number>();
    const add = (requests: Awaited<ReturnType<typeof send>>, took: (index: number) => boolean): void => {
      for (const [index, { metrics }] of requests.entries()) {
        if (!took(index)) continue;
        for (const { name, points } of metrics) {
          for (const { attributes, value, count } of points) {
            const key = `${name} ${attributes.key}`;
            total.set(key, (total.get(key) ?? 0) + Number(value ?? count));
          }
        }
      }
    };
    for (const [time, took] of [
      [1000, (index: number) => index % 2 === 0],
      [1010, (index: number) => index === 3],
      [1020, () => false],
    ] as const) {
      add(await send(time, (_, index) => took(index), limits), took);
      for (let key = 0; key < 10; key++) rows.set(String(key), [time + key, 5, time, 0]);
      // A series vanishes in the middle of it, and comes back.
      if (time === 1010) rows.remove('4');
    }
    add(await send(1030, () => true, limits), () => true);
    for (let key = 0; key < 10; key++) {
      if (key === 4) continue;
      assert.equal(total.get(`m ${key}`), 1020 + key);
      assert.equal(total.get(`h ${key}`), 5 + 1020);
    }
    // It vanished and came back: what the last reading before had, and what it counted since.
    assert.equal(total.get('m 4'), 1004 + 1024);
    assert.equal(total.get('h 4'), 5 + 1000 + 5 + 1020);
  });

  test('say what they count', async () => {
    const { send } = setUp(3);
    const [request] = await send(1000, () => false);
    assert.deepEqual(request!.counted, { m: 0 + 1 + 2, h: 3 * 3 });
  });
});

async function onlyPoint(metric: MetricPlan, cells: number[]) {
  const rows = new FakeRows(tablePlan('t', cells.length, [metric]));
  rows.set('a', cells);
  const [request] = await encoding([rows], 'cumulative').send(1000, () => true);
  return request!.metrics[0]!.points[0]!;
}

/** A table with so many series of a counter, which counts the series' number, and of a histogram of three. */
function setUp(series: number) {
  const histogram: HistogramMetricPlan = { ...sizes, name: 'h', cell: 1, bounds: [1], slots: 2, sum: undefined };
  const rows = new FakeRows(tablePlan('t', 4, [counter('m', 0), histogram]));
  for (let key = 0; key < series; key++) rows.set(String(key), [key, 1, 2, 0]);
  return { rows, ...encoding([rows], 'delta') };
}
