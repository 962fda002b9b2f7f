import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TranslationStrategy } from '../../../src/config/exporter/configuration.ts';
import {
  type PrometheusKind,
  prometheusLabelName,
  prometheusMetricName,
} from '../../../src/config/names/prometheus.ts';

const withSuffixes: readonly (readonly [string, string, PrometheusKind, string])[] = [
  ['ebpf.block.io.latency', 's', 'histogram', 'ebpf_block_io_latency_seconds'],
  ['ebpf.block.io.size', 'By', 'histogram', 'ebpf_block_io_size_bytes'],
  ['ebpf.tcp.retransmits', '{packet}', 'counter', 'ebpf_tcp_retransmits_total'],
  ['ebpf.timer_starts_total', '', 'counter', 'ebpf_timer_starts_total'],
  ['ebpf.cpu.seconds', 's', 'counter', 'ebpf_cpu_seconds_total'],
  ['ebpf.cpu.total', 's', 'counter', 'ebpf_cpu_seconds_total'],
  ['ebpf.total.cpu', '', 'counter', 'ebpf_cpu_total'],
  ['ebpf.load', '1', 'gauge', 'ebpf_load_ratio'],
  ['ebpf.load.ratio', '1', 'gauge', 'ebpf_load_ratio'],
  ['ebpf.objects', '1', 'counter', 'ebpf_objects_total'],
  ['ebpf.objects', '1', 'histogram', 'ebpf_objects'],
  ['ebpf.used', '%', 'gauge', 'ebpf_used_percent'],
  ['ebpf.speed', 'By/s', 'gauge', 'ebpf_speed_bytes_per_second'],
  ['ebpf.speed', '{packet}/s', 'gauge', 'ebpf_speed_per_second'],
  ['ebpf.speed', 'm/{turn}', 'gauge', 'ebpf_speed_meters'],
  ['ebpf.period', 'ms', 'gauge', 'ebpf_period_milliseconds'],
  ['ebpf.memory', 'MiBy', 'gauge', 'ebpf_memory_mebibytes'],
  ['ebpf.odd', 'foo bar', 'gauge', 'ebpf_odd_foo_bar'],
  ['ebpf.constructor', 'constructor', 'gauge', 'ebpf_constructor'],
  ['a..b__c', '', 'gauge', 'a_b_c'],
  ['_a_', '', 'gauge', 'a'],
  ['a:b', '', 'gauge', 'a:b'],
  ['2xx', '', 'counter', '_2xx_total'],
  ['größe', 'By', 'gauge', 'gr_e_bytes'],
];

for (const [name, unit, kind, expected] of withSuffixes) {
  test(`${kind} ${name} in "${unit}" is ${expected}`, () => {
    assert.equal(prometheusMetricName(name, unit, kind, 'underscore_escaping_with_suffixes'), expected);
  });
}

const byStrategy: readonly (readonly [string, TranslationStrategy, string])[] = [
  ['io.latency', 'underscore_escaping_with_suffixes', 'io_latency_seconds_total'],
  ['io.latency', 'underscore_escaping_without_suffixes', 'io_latency'],
  ['io..x__y', 'underscore_escaping_without_suffixes', 'io_x__y'],
  ['2xx', 'underscore_escaping_without_suffixes', '_2xx'],
  ['io.latency', 'no_utf8_escaping_with_suffixes', 'io_latency_seconds_total'],
  ['io.seconds.total', 'no_utf8_escaping_with_suffixes', 'io_seconds_total'],
  ['io.milliseconds', 'no_utf8_escaping_with_suffixes', 'io_milliseconds_seconds_total'],
  ['io..größe', 'no_utf8_escaping_with_suffixes', 'io__gr__e_seconds_total'],
  ['io..x', 'no_translation', 'io__x'],
  ['2xx', 'no_translation', '_xx'],
  ['io😀x', 'no_translation', 'io_x'],
];

for (const [name, strategy, expected] of byStrategy) {
  test(`${strategy}: ${name} is ${expected}`, () => {
    assert.equal(prometheusMetricName(name, 's', 'counter', strategy), expected);
  });
}

for (const [name, expected] of [
  ['server.address', 'server_address'],
  ['a..b', 'a__b'],
  ['2xx', 'key_2xx'],
  ['_private', '_private'],
  ['größe', 'gr__e'],
  ['a:b', 'a_b'],
] as const) {
  test(`label ${name} is ${expected}`, () => {
    assert.equal(prometheusLabelName(name), expected);
  });
}
