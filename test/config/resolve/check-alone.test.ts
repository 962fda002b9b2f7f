import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TranslationStrategy } from '../../../src/config/exporter/configuration.ts';
import type { Instrument } from '../../../src/config/instrument-types.ts';
import { checkAlone } from '../../../src/config/resolve/check-alone.ts';
import type { ResolveOptions } from '../../../src/config/resolve/program.ts';
import { Diagnostics } from '../../../src/config/yaml/diagnostic.ts';
import { plan, texts } from './resolving.ts';
import { array, layout, map, struct, u32, u64 } from './types.ts';

const key = struct('k', { a: u32, b: u32 });
const object = layout({
  maps: [
    map('m', 'hash', key, u64),
    map('h', 'hash', key, struct('hist', { slots: array(u64, 4), sum: u64 })),
    map('one', 'array', u32, u64, 1),
    map('internal', 'hash', struct('i', { __name__: u32 }), u64),
    map('calls', 'percpu_hash', u32, u64),
  ],
});

interface Beside {
  readonly strategies?: readonly TranslationStrategy[];
  readonly own?: readonly Instrument[];
  readonly options?: Partial<ResolveOptions>;
}

function alone(
  yaml: string,
  { strategies = ['underscore_escaping_with_suffixes'], own = [], options = {} }: Beside = {},
): string[] {
  const diagnostics = new Diagnostics();
  checkAlone(plan(yaml, object, options), { strategies, own }, diagnostics);
  return texts(diagnostics);
}

const metrics = (text: string) => `metrics:\n  ${text}\n`;

test('different metrics are fine', () => {
  assert.deepEqual(
    alone(metrics('{counters: [{name: a, map: one}, {name: b, map: m}], histograms: [{name: c, map: h}]}')),
    [],
  );
});

test('names that are one on a Prometheus page clash', () => {
  assert.deepEqual(
    alone(metrics('counters: [{name: io.time, map: one, unit: s}, {name: io_time_seconds, map: one}]')),
    [
      'x.yaml:2:57: metrics "ebpf.io_time_seconds" and "ebpf.io.time" (x.yaml:2) are both "ebpf_io_time_seconds_total" on a Prometheus page',
    ],
  );
});

test("a histogram's lines are names too", () => {
  assert.deepEqual(alone(metrics('{histograms: [{name: h}], gauges: [{name: h.count, map: one}]}')), [
    'x.yaml:2:45: metrics "ebpf.h.count" and "ebpf.h" (x.yaml:2) are both "ebpf_h_count" on a Prometheus page',
  ]);
});

test('what clashes depends on the translation strategies of the readers', () => {
  const yaml = metrics('{counters: [{name: a, map: one}], gauges: [{name: a_total, map: one}]}');
  assert.equal(alone(yaml).length, 1);
  assert.equal(alone(yaml, { strategies: ['underscore_escaping_without_suffixes'] }).length, 0);
  assert.equal(alone(yaml, { strategies: ['no_translation', 'no_utf8_escaping_with_suffixes'] }).length, 1);
});

for (const [what, labels, expected] of [
  [
    'two labels',
    '[{name: x.y, field: a}, {name: x_y, field: b}]',
    '2:63: labels "x.y" and "x_y" of metric "ebpf.m" are both "x_y" on a Prometheus page',
  ],
  [
    'a label and a member',
    '[{name: b., field: a}, {name: b_, field: b}]',
    '2:62: labels "b." and "b_" of metric "ebpf.m" are both "b_" on a Prometheus page',
  ],
] as const) {
  test(`labels that are one on a Prometheus page clash: ${what}`, () => {
    assert.deepEqual(alone(metrics(`counters: [{name: m, labels: ${labels}}]`)), [`x.yaml:${expected}`]);
  });
}

test("le is a histogram's own", () => {
  const yaml = metrics('histograms: [{name: h, labels: [{name: le, field: a}]}]');
  assert.deepEqual(alone(yaml), ['x.yaml:2:42: label "le" of histogram "ebpf.h": "le" is the bucket\'s bound']);
  assert.deepEqual(alone(yaml.replace('histograms', 'counters').replace('h,', 'm,')), []);
});

for (const [label, owner] of [
  ['__name__', 'names that begin with "__" are Prometheus\'s own, as "__name__" on its page is'],
  ['__x', 'names that begin with "__" are Prometheus\'s own, as "__x" on its page is'],
  ['..x', 'names that begin with "__" are Prometheus\'s own, as "__x" on its page is'],
  ['-_name__', 'names that begin with "__" are Prometheus\'s own, as "__name__" on its page is'],
  ['otel.metric.overflow', 'names that begin with "otel." or "otel_" are OpenTelemetry\'s own'],
  ['otel_scope_name', 'names that begin with "otel." or "otel_" are OpenTelemetry\'s own'],
] as const) {
  test(`a label ${label} is not for programs`, () => {
    assert.deepEqual(alone(metrics(`counters: [{name: m, labels: [{name: "${label}", field: a}]}]`)), [
      `x.yaml:2:40: label "${label}" of metric "ebpf.m": ${owner}`,
    ]);
  });
}

test('labels with one underscore in front, or with two inside, are fine', () => {
  for (const label of ['_x', 'x__', 'x__y', 'otel', 'hotel_room', 'name']) {
    assert.deepEqual(alone(metrics(`counters: [{name: m, labels: [{name: ${label}, field: a}]}]`)), []);
  }
});

test('a label that nobody wrote is told at its metric', () => {
  const owner = 'names that begin with "__" are Prometheus\'s own, as "__name__" on its page is';
  assert.deepEqual(alone(metrics('counters: [{name: internal}]')), [
    `x.yaml:2:21: label "__name__" of metric "ebpf.internal": ${owner}`,
  ]);
  const yaml = `maps: {calls: {per_cpu: __name__, labels: [{name: a}]}}\n${metrics('counters: [{name: c, map: calls}]')}`;
  assert.deepEqual(alone(yaml), [`x.yaml:3:21: label "__name__" of metric "ebpf.c": ${owner}`]);
});

test("the exporter's own metrics have their names", () => {
  const own: readonly Instrument[] = [
    { name: 'ebpf_meter.read.duration', type: 'histogram', unit: 's' },
    { name: 'process.uptime', type: 'observable_counter', unit: 's' },
    { name: 'ebpf_exporter.build_info', type: 'observable_gauge', unit: '' },
  ];
  const at = (namespace: string, name: string) =>
    alone(metrics(`gauges: [{name: "${name}", map: one}]`), { own, options: { namespace } });
  assert.deepEqual(at('ebpf_exporter', 'build_info'), [
    'x.yaml:2:19: metric "ebpf_exporter.build_info" is one of ebpf-meter\'s own: call it otherwise',
  ]);
  const both = (name: string, other: string, page: string) => [
    `x.yaml:2:19: metric "${name}" and ebpf-meter's own "${other}" are both "${page}" on a Prometheus page: call it otherwise`,
  ];
  assert.deepEqual(
    at('', 'ebpf_meter_read_duration_seconds_count'),
    both(
      'ebpf_meter_read_duration_seconds_count',
      'ebpf_meter.read.duration',
      'ebpf_meter_read_duration_seconds_count',
    ),
  );
  assert.deepEqual(
    at('process', 'uptime_seconds_total'),
    both('process.uptime_seconds_total', 'process.uptime', 'process_uptime_seconds_total'),
  );
  assert.deepEqual(at('ebpf', 'build_info'), []);
});

test('what every target has by itself is no name for a metric', () => {
  const found = alone(
    metrics('gauges: [{name: up, map: one}, {name: scrape.duration, map: one, unit: s}, {name: down, map: one}]'),
    {
      options: { namespace: '' },
    },
  );
  assert.deepEqual(found, [
    'x.yaml:2:19: metric "up" is "up" on a Prometheus page, which every target has by itself',
    'x.yaml:2:41: metric "scrape.duration" is "scrape_duration_seconds" on a Prometheus page, which every target has by itself',
  ]);
  assert.deepEqual(alone(metrics('gauges: [{name: up, map: one}]')), []);
});
