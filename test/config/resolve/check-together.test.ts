import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TranslationStrategy } from '../../../src/config/exporter/configuration.ts';
import { parseProgramFile } from '../../../src/config/program/file.ts';
import { checkTogether } from '../../../src/config/resolve/check-together.ts';
import { resolveProgram } from '../../../src/config/resolve/program.ts';
import { Diagnostics } from '../../../src/config/yaml/diagnostic.ts';
import { options, texts } from './resolving.ts';
import { array, layout, map, struct, u32, u64 } from './types.ts';

const key = struct('k', { a: u32, b: u32 });
const object = layout({
  maps: [
    map('m', 'hash', key, u64),
    map('h', 'hash', key, struct('hist', { slots: array(u64, 4), sum: u64 })),
    map('one', 'array', u32, u64, 1),
  ],
});

function together(
  files: Record<string, string>,
  strategies: readonly TranslationStrategy[] = ['underscore_escaping_with_suffixes'],
): string[] {
  const diagnostics = new Diagnostics();
  const programs = Object.entries(files).map(([path, yaml]) => {
    const file = parseProgramFile(yaml, path, diagnostics)!;
    return resolveProgram(file, object, options, diagnostics)!;
  });
  assert.deepEqual(texts(diagnostics), []);
  const conflicts = checkTogether(programs, strategies);
  return conflicts.map(({ at, message }) => `${at.file}:${at.line}:${at.column}: ${message}`);
}

const metrics = (text: string) => `metrics:\n  ${text}\n`;

test('different metrics are fine', () => {
  const a = metrics('counters: [{name: a, map: one}, {name: b, map: m}]');
  assert.deepEqual(together({ 'a.yaml': a, 'b.yaml': metrics('histograms: [{name: c, map: h}]') }), []);
});

test('a metric that two programs have is told with what differs', () => {
  const first = metrics('counters: [{name: a, map: one, unit: s}]');
  for (const [second, difference] of [
    ['counters: [{name: a, map: one, unit: s, help: x}]', ' with another help'],
    ['gauges: [{name: a, map: one, unit: s}]', ' of kind "counter" instead of "gauge"'],
    ['counters: [{name: a, map: one, unit: By}]', ' in unit "s" instead of "By"'],
    ['counters: [{name: a, map: m, unit: s}]', ' with labels "" instead of "a, b"'],
  ] as const) {
    const column = second.indexOf('name: a') + 'name: a'.length + 2;
    assert.deepEqual(together({ 'a.yaml': first, 'b.yaml': metrics(second) }), [
      `b.yaml:2:${column}: metric "ebpf.a" is there already, in a.yaml:2${difference}`,
    ]);
  }
});

test('names that are one on a Prometheus page clash', () => {
  const files = {
    'a.yaml': metrics('gauges: [{name: x.y, map: one}]'),
    'b.yaml': metrics('gauges: [{name: x_y, map: one}]'),
  };
  assert.deepEqual(together(files), [
    'b.yaml:2:19: metrics "ebpf.x_y" and "ebpf.x.y" (a.yaml:2) are both "ebpf_x_y" on a Prometheus page',
  ]);
});

test("a histogram's lines are names too, and of a metric that is left out no name is in the way of others", () => {
  const files = {
    'a.yaml': metrics('gauges: [{name: h.count, map: one}]'),
    'b.yaml': metrics('histograms: [{name: h}]'),
    'c.yaml': metrics('gauges: [{name: h.sum, map: one}]'),
  };
  assert.deepEqual(together(files), [
    'b.yaml:2:23: metrics "ebpf.h" and "ebpf.h.count" (a.yaml:2) are both "ebpf_h_count" on a Prometheus page',
  ]);
});

test('what clashes depends on the translation strategies of the readers', () => {
  const files = {
    'a.yaml': metrics('counters: [{name: a, map: one}]'),
    'b.yaml': metrics('gauges: [{name: a_total, map: one}]'),
  };
  assert.equal(together(files).length, 1);
  assert.equal(together(files, ['underscore_escaping_without_suffixes']).length, 0);
  assert.equal(together(files, ['no_translation', 'no_utf8_escaping_with_suffixes']).length, 1);
  assert.equal(together(files, []).length, 0);
});

test('of two programs the later one’s metric is a conflict, which leaves the rest alone', () => {
  const diagnostics = new Diagnostics();
  const yamls = {
    'a.yaml': 'counters: [{name: a, map: one}]',
    'b.yaml': 'gauges: [{name: a, map: one}, {name: b, map: one}]',
  };
  const programs = Object.entries(yamls).map(([path, yaml]) => {
    return resolveProgram(parseProgramFile(metrics(yaml), path, diagnostics)!, object, options, diagnostics)!;
  });
  const conflicts = checkTogether(programs, []);
  assert.deepEqual(
    conflicts.map(({ program, metric }) => [program, metric]),
    [['b', 'ebpf.a']],
  );
  assert.deepEqual(texts(diagnostics), []);
});

test('equal metrics of two programs are one', () => {
  const sized = '{name: c, map: m, labels: [{name: x, size: 8, decoders: [{name: uint}]}]}';
  for (const yaml of [`counters: [${sized}]`, 'counters: [{name: a, map: one, unit: s, help: h}]']) {
    assert.deepEqual(together({ 'a.yaml': metrics(yaml), 'b.yaml': metrics(yaml) }), []);
  }
  for (const other of ['name: hex', 'name: uint}, {name: static_map, static_map: {1: a}']) {
    const [message, ...more] = together({
      'a.yaml': metrics(`counters: [${sized}]`),
      'b.yaml': metrics(`counters: [${sized.replace('name: uint', other)}]`),
    });
    assert.equal(message, 'b.yaml:2:21: metric "ebpf.c" is there already, in a.yaml:2 with other decoders');
    assert.deepEqual(more, []);
  }
});

test('equal gauges of two programs are no sum', () => {
  const yaml = metrics('gauges: [{name: a, map: one}]');
  assert.deepEqual(together({ 'a.yaml': yaml, 'b.yaml': yaml }), [
    'b.yaml:2:19: metric "ebpf.a" is there already, in a.yaml:2, and levels can\'t be added up',
  ]);
});
