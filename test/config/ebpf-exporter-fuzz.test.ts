import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProgramFile } from '../../src/config/program/file.ts';
import { resolveProgram } from '../../src/config/resolve/program.ts';
import { Diagnostics } from '../../src/config/yaml/diagnostic.ts';
import { options } from './resolve/resolving.ts';
import { layout, map, u32, u64, variable } from './resolve/types.ts';

const object = layout({
  maps: [
    map('calls', 'hash', u32, u64),
    map('sizes', 'hash', u64, u64),
    map('ids', 'hash', u64, u64),
    map('records', 'perf_event_array', u32, u32),
  ],
  variables: [variable('kaddr_vfs_read', '.rodata', u64)],
});

const whole = `kaddrs:
  - vfs_read
cgroup_id_map:
  name: ids
  type: hash
  regexps:
    - ^/sys
metrics:
  counters:
    - name: calls
      help: Calls
      labels:
        - name: number
          size: 4
          padding: 0
          decoders:
            - name: uint
            - name: static_map
              allow_unknown: true
              static_map:
                1: one
                0x10: two
    - name: records
      help: Records
      perf_event_array: true
      flush_interval: 10s
      labels:
        - name: text
          size: 4
          decoders:
            - name: string
            - name: regexp
              regexps:
                - ^(a).*$
  histograms:
    - name: sizes
      help: Sizes
      bucket_type: fixed
      bucket_min: 0
      bucket_max: 3
      bucket_multiplier: 0.001
      bucket_keys:
        - 1
        - 2
      labels:
        - name: bucket
          size: 8
          decoders:
            - name: uint
`;

const odd = ['', '~', '[]', '{}', '-1', '1.5', '99999999999999999999', '*x', '|', "'", '\u0000', 'a: b'];
const lines = whole.split('\n');

/** Every way to spoil one line. */
function* spoiled(): Generator<string> {
  for (const [index, line] of lines.entries()) {
    const parts = /^(\s*(?:- )?)([\w]+:)?(.*)$/.exec(line)!;
    const [, indent = '', key = '', value = ''] = parts;
    const variants = [
      undefined,
      `${line}\n${line}`,
      ` ${line}`,
      line.slice(1),
      line.slice(0, -1),
      `${indent}x${key}${value}`,
      ...odd.map((text) => `${indent}${key} ${text}`),
    ];
    for (const variant of variants) {
      yield lines.flatMap((other, at) => (at === index ? (variant ?? []) : other)).join('\n');
    }
    // A file that was cut off.
    yield lines.slice(0, index).join('\n');
  }
}

test('the whole file is right', () => {
  const diagnostics = new Diagnostics();
  assert.ok(resolveProgram(parseProgramFile(whole, 'x.yaml', diagnostics)!, object, options, diagnostics));
  assert.equal(diagnostics.hasErrors, false);
});

for (const readsAsExporter of [false, true]) {
  const reader = readsAsExporter ? 'as ebpf_exporter reads it' : 'as we read it';
  test(`whatever is wrong with one line never throws, and is told with its place or is still right, ${reader}`, () =>
    tryAll(readsAsExporter));
}

function tryAll(readsAsExporter: boolean): void {
  let wrong = 0;
  let right = 0;
  for (const yaml of spoiled()) {
    const diagnostics = new Diagnostics({ readsAsExporter });
    const file = parseProgramFile(yaml, 'x.yaml', diagnostics);
    const plan = file && resolveProgram(file, object, options, diagnostics);
    if (plan === undefined) wrong++;
    else right++;
    for (const { width, metrics, bucketKey } of plan?.tables ?? []) {
      const columns = [...(bucketKey?.columns.values() ?? [])];
      for (const metric of metrics) if (metric.kind === 'histogram') columns.push(metric.sum?.cell ?? 0);
      assert.ok(
        columns.every((column) => column < width),
        yaml,
      );
    }
    assert.equal(plan === undefined, diagnostics.hasErrors, yaml);
    const count = yaml.split('\n').length;
    for (const { line, column, message, excerpt } of [...diagnostics.errors, ...diagnostics.warnings]) {
      assert.ok(line >= 1 && line <= count, `${line}: ${message}\n${yaml}`);
      assert.ok(column >= 1 && column <= excerpt.length + 1, `${line}:${column}: ${message}\n${yaml}`);
      assert.ok(message !== '' && !/undefined|\[object|at .*\.ts:/.test(message), message);
    }
  }
  // Both are there, or nothing was tried.
  assert.ok(wrong > 400, `${wrong}`);
  assert.ok(right > 50, `${right}`);
}
