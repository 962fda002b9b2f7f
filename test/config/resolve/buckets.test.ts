import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BtfType } from '../../../src/btf/types.ts';
import type { HistogramMetricPlan, TablePlan } from '../../../src/config/plan.ts';
import { errors, plan } from './resolving.ts';
import { array, layout, map, struct, u32, u64 } from './types.ts';

function slots(value: BtfType, options: string): { table: TablePlan; metric: HistogramMetricPlan } {
  const yaml = `metrics: {histograms: [{name: h${options === '' ? '' : `, ${options}`}}]}`;
  const [table] = plan(yaml, layout({ maps: [map('h', 'hash', struct('k', { a: u32 }), value)] })).tables;
  return { table: table!, metric: table!.metrics[0] as HistogramMetricPlan };
}

const of = (length: number, element: BtfType = u64) => struct('hist', { slots: array(element, length), sum: u64 });

// Slots in the value: what is written → `le`, whether there is a slot above them.
const inValue: readonly (readonly [string, number, readonly string[], boolean])[] = [
  ['', 2, ['1'], true],
  ['', 4, ['1', '2', '4'], true],
  ['bucket_type: exp2, unit: s, in: ns', 4, ['1e-09', '2e-09', '4e-09'], true],
  ['unit: s, in: us', 6, ['1e-06', '2e-06', '4e-06', '8e-06', '1.6e-05'], true],
  ['unit: s, in: ms', 3, ['0.001', '0.002'], true],
  ['unit: ns, in: us', 3, ['1000', '2000'], true],
  ['unit: By, in: sectors', 3, ['512', '1024'], true],
  ['unit: By, in: KiB', 3, ['1024', '2048'], true],
  ['unit: By, in: pages', 3, ['4096', '8192'], true],
  ['unit: KiBy, in: sectors', 3, ['0.5', '1'], true],
  ['unit: MiBy, in: KiB', 3, ['0.0009765625', '0.001953125'], true],
  ['bucket_type: linear', 4, ['0', '1', '2'], true],
  ['bucket_type: linear, bucket_min: 5', 4, ['5', '6', '7'], true],
  ['bucket_type: linear, bucket_min: 1, bucket_multiplier: 10, unit: s, in: ms', 4, ['0.01', '0.02', '0.03'], true],
  ['bucket_type: linear, bucket_multiplier: 0', 3, ['0', '1'], true],
  ['bucket_type: fixed, bucket_keys: [1, 2.5, 10]', 3, ['1', '2.5', '10'], false],
  ['bucket_type: fixed, bucket_keys: [1, 2.5, 10]', 4, ['1', '2.5', '10'], true],
  ['bucket_type: fixed, bucket_keys: [100, 1000], unit: s, in: us', 3, ['0.0001', '0.001'], true],
];

for (const [written, length, le, above] of inValue) {
  test(`${length} slots: ${written}`, () => {
    const { metric, table } = slots(of(length), written);
    assert.deepEqual(metric.le, le);
    assert.deepEqual(metric.bounds, le.map(Number));
    assert.equal(metric.slots, le.length + (above ? 1 : 0));
    assert.equal(metric.slots, length);
    assert.equal(metric.powersOfTwo, !written.includes('linear') && !written.includes('fixed'));
    assert.equal(table.bucketKey, undefined);
    assert.equal(table.width, length + 1);
  });
}

test('64 slots of a u32 array reach 2^62', () => {
  const { metric, table } = slots(of(64, u32), '');
  assert.equal(metric.bounds.length, 63);
  assert.equal(metric.bounds.at(-1), 2 ** 62);
  assert.deepEqual(table.fields[0], { offset: 0, type: 'u32', count: 64, cell: 0 });
});

test('one slot, or more than 64 by powers of two, are no histogram', () => {
  const yaml = 'metrics: {histograms: [{name: h}]}';
  const object = (length: number) => layout({ maps: [map('h', 'hash', struct('k', { a: u32 }), of(length))] });
  assert.deepEqual(errors(yaml, object(1)), ['x.yaml:1:31: a histogram has at least 2 slots, not 1']);
  assert.deepEqual(errors(yaml, object(65)), [
    'x.yaml:1:31: 65 slots of bucket_type exp2: a number has 64 bits, so at most 64',
  ]);
});

test('the sum is found by its name, named, or not there', () => {
  assert.deepEqual(slots(of(3), 'unit: s, in: us, sum_in: ns').metric.sum, {
    cell: 3,
    scale: { multiplier: 1, divisor: 1e9 },
  });
  assert.equal(slots(array(u64, 3), '').metric.sum, undefined);
  assert.equal(slots(struct('v', { slots: array(u64, 3), other: u64 }), '').metric.sum, undefined);
  assert.deepEqual(slots(struct('v', { slots: array(u64, 3), other: u32 }), 'slots: slots, sum: other').table.fields, [
    { offset: 0, type: 'u64', count: 3, cell: 0 },
    { offset: 24, type: 'u32', count: 1, cell: 3 },
  ]);
  assert.equal(slots(of(3), 'slots: slots').metric.sum, undefined);
});

// Buckets in the key: what is written → `le`, the buckets' numbers, the sum's number.
const inKey: readonly (readonly [string, readonly string[], readonly number[], number])[] = [
  ['bucket_type: exp2, bucket_max: 3', ['1', '2', '4', '8'], [0, 1, 2, 3], 4],
  ['bucket_max: 3, bucket_min: 2', ['4', '8'], [2, 3], 4],
  ['bucket_type: exp2zero, bucket_max: 3', ['0', '1', '2', '4'], [0, 1, 2, 3], 4],
  ['bucket_type: exp2zero, bucket_min: 1, bucket_max: 2', ['1', '2'], [1, 2], 3],
  ['bucket_type: linear, bucket_min: 1, bucket_max: 3', ['1', '2', '3'], [1, 2, 3], 4],
  ['bucket_type: linear, bucket_max: 2, bucket_multiplier: 0.5', ['0', '0.5', '1'], [0, 1, 2], 3],
  ['bucket_type: fixed, bucket_keys: [10, 50, 100]', ['10', '50', '100'], [10, 50, 100], 101],
  ['bucket_type: fixed, bucket_keys: [1, 5], bucket_multiplier: 1000', ['1000', '5000'], [1, 5], 6],
  ['bucket_max: 2, bucket_multiplier: 0', ['1', '2', '4'], [0, 1, 2], 3],
  [
    'bucket_max: 64',
    Array.from({ length: 65 }, (_, i) => (i === 64 ? '1.8446744073709552e+19' : '')),
    Array.from({ length: 65 }, (_, i) => i),
    65,
  ],
];

for (const [written, le, keys, sum] of inKey) {
  test(`buckets in the key: ${written}`, () => {
    const yaml = `metrics: {histograms: [{name: h, ${written}}]}`;
    const [table] = plan(yaml, layout({ maps: [map('h', 'hash', struct('k', { a: u32, slot: u32 }), u64)] })).tables;
    const metric = table!.metrics[0] as HistogramMetricPlan;
    assert.deepEqual(
      metric.le.filter((_, index) => le[index] !== ''),
      le.filter((text) => text !== ''),
    );
    assert.equal(metric.slots, le.length);
    assert.deepEqual([...table!.bucketKey!.columns], [...keys.map((key, column) => [key, column]), [sum, keys.length]]);
    assert.deepEqual(table!.bucketKey!.label, { name: 'slot', offset: 4, size: 4, decoders: [{ name: 'uint' }] });
    assert.deepEqual(
      table!.labels.map(({ name }) => name),
      ['a'],
    );
    assert.equal(table!.width, le.length + 1);
    assert.deepEqual(table!.fields, [{ offset: 0, type: 'u64', count: 1, cell: 0 }]);
    assert.equal(metric.sum!.cell, le.length);
    assert.equal(metric.powersOfTwo, !/exp2zero|linear|fixed/.test(written));
  });
}

test('le has the text that Go makes of its product', () => {
  // strconv.FormatFloat(math.Exp2(i)*1e-6, 'g', -1, 64) for i = 0 … 26.
  const go =
    '1e-06 2e-06 4e-06 8e-06 1.6e-05 3.2e-05 6.4e-05 0.000128 0.000256 0.000512 0.001024 0.002048 0.004096 0.008192 0.016384 0.032768 0.065536 0.131072 0.262144 0.524288 1.048576 2.097152 4.194304 8.388608 16.777216 33.554432 67.108864';
  const yaml = 'metrics: {histograms: [{name: h, bucket_max: 26, bucket_multiplier: 0.000001}]}';
  const [table] = plan(yaml, layout({ maps: [map('h', 'hash', struct('k', { slot: u32 }), u64)] })).tables;
  assert.deepEqual((table!.metrics[0] as HistogramMetricPlan).le, go.split(' '));
});
