import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EntriesSource, HistogramMetricPlan } from '../../../src/config/plan.ts';
import { parseProgramFile } from '../../../src/config/program/file.ts';
import { resolveProgram } from '../../../src/config/resolve/program.ts';
import { Diagnostics } from '../../../src/config/yaml/diagnostic.ts';
import { errors, options, plan } from './resolving.ts';
import { array, bool, enumeration, hist, layout, map, struct, u32, u64, variable } from './types.ts';

const blockKey = struct('block_key', { device: u32, operation: enumeration('op', { read: 0, write: 1 }) });
const blockValue = struct('block_value', { latency: hist, size: hist });
const block = layout({
  maps: [
    map('block_io', 'percpu_hash', blockKey, blockValue),
    map('block_io_cache', 'array', u32, array(struct('entry', { key: blockKey, value: blockValue }), 64), 1),
    map('unmatched', 'array', u32, struct('cpu_unmatched', { requests: u64 }, 128), 1),
  ],
  variables: [
    variable('enable_latency', '.rodata', bool, 0),
    variable('enable_size', '.rodata', bool, 1),
    variable('only_device', '.rodata', u32, 4),
  ],
  programs: ['issue', 'complete'],
});
const blockYaml = `
description: Block devices
constants: {only_device: 7}
maps:
  block_io:
    cache: block_io_cache
    labels:
      - {name: system.device, field: device, decoders: [{name: majorminor}]}
  block_io_unmatched:
    map: unmatched
    index: [cpu]
metrics:
  histograms:
    - name: block.io.latency
      help: Time from issue to completion
      unit: s
      map: block_io
      field: latency
      in: us
      sum_in: ns
      needs: {constants: [enable_latency], programs: [issue, complete]}
    - name: block.io.size
      unit: By
      map: block_io
      slots: size.slots
      sum: size.sum
      needs: {constants: [enable_size], programs: [complete]}
  counters:
    - {name: block.io.unmatched, unit: '{request}', map: block_io_unmatched, field: requests}
`;

test('a native program becomes tables that are read once each', () => {
  const { origins, ...resolved } = plan(blockYaml, block);
  const latencyBounds = Array.from({ length: 26 }, (_, slot) => 2 ** slot / 1e6);
  const sizeBounds = Array.from({ length: 26 }, (_, slot) => 2 ** slot);
  const [first, second] = resolved.tables;
  const [latency, size] = first!.metrics as HistogramMetricPlan[];
  assert.deepEqual(latency!.bounds, latencyBounds);
  assert.deepEqual(latency!.le.slice(0, 8), [
    '1e-06',
    '2e-06',
    '4e-06',
    '8e-06',
    '1.6e-05',
    '3.2e-05',
    '6.4e-05',
    '0.000128',
  ]);
  assert.equal(latency!.le.at(-1), '33.554432');
  assert.deepEqual(size!.le.slice(-10, -4), ['65536', '131072', '262144', '524288', '1.048576e+06', '2.097152e+06']);
  assert.deepEqual(resolved, {
    name: 'x',
    description: 'Block devices',
    expensive: false,
    file: 'x.yaml',
    object: 'x.bpf.o',
    tables: [
      {
        name: 'block_io',
        source: {
          kind: 'entries',
          map: 'block_io',
          perCpu: 'sum',
          cache: {
            memory: { map: 'block_io_cache', offset: 0 },
            dimensions: [
              { name: 'cpu', cpu: true, count: 4, stride: 64 * 456 },
              { name: 'place', cpu: false, count: 64, stride: 456 },
            ],
            keyOffset: 0,
            valueOffset: 8,
          },
        },
        keySize: 8,
        labels: [
          { name: 'system.device', offset: 0, size: 4, decoders: [{ name: 'majorminor' }] },
          {
            name: 'operation',
            offset: 4,
            size: 4,
            decoders: [
              {
                name: 'enum',
                staticMap: new Map([
                  ['0', 'read'],
                  ['1', 'write'],
                ]),
              },
            ],
          },
        ],
        bucketKey: undefined,
        width: 56,
        fields: [
          { offset: 0, type: 'u64', count: 27, cell: 0 },
          { offset: 216, type: 'u64', count: 1, cell: 27 },
          { offset: 224, type: 'u64', count: 27, cell: 28 },
          { offset: 440, type: 'u64', count: 1, cell: 55 },
        ],
        metrics: [
          {
            kind: 'histogram',
            name: 'ebpf.block.io.latency',
            help: 'Time from issue to completion',
            unit: 's',
            cell: 0,
            bounds: latencyBounds,
            le: latency!.le,
            slots: 27,
            powersOfTwo: true,
            sum: { cell: 27, scale: { multiplier: 1, divisor: 1e9 } },
          },
          {
            kind: 'histogram',
            name: 'ebpf.block.io.size',
            help: '',
            unit: 'By',
            cell: 28,
            bounds: sizeBounds,
            le: size!.le,
            slots: 27,
            powersOfTwo: true,
            sum: { cell: 55, scale: { multiplier: 1, divisor: 1 } },
          },
        ],
      },
      {
        name: 'unmatched',
        source: {
          kind: 'indexed',
          memory: { map: 'unmatched', offset: 0 },
          dimensions: [{ name: 'cpu', cpu: true, count: 4, stride: 128 }],
          zeros: true,
        },
        keySize: 0,
        labels: [],
        bucketKey: undefined,
        width: 1,
        fields: [{ offset: 0, type: 'u64', count: 1, cell: 0 }],
        metrics: second!.metrics,
      },
    ],
    constants: new Map([
      ['only_device', 7],
      ['enable_latency', 1],
      ['enable_size', 1],
    ]),
    sources: [],
    hooks: [],
    skip: new Set(),
    skipMaps: new Set(),
    needs: new Map([
      ['ebpf.block.io.latency', { programs: ['issue', 'complete'], any: [] }],
      ['ebpf.block.io.size', { programs: ['complete'], any: [] }],
      ['ebpf.block.io.unmatched', { programs: undefined, any: [] }],
    ]),
    perCpuFirst: ['block_io_cache', 'unmatched'],
    filled: [],
    interfaces: [],
  });
  assert.deepEqual(second!.metrics, [
    {
      kind: 'counter',
      name: 'ebpf.block.io.unmatched',
      help: '',
      unit: '{request}',
      cell: 0,
      scale: { multiplier: 1, divisor: 1 },
    },
  ]);
  assert.equal(origins.get('ebpf.block.io.size')?.name.line, 22);
});

test('what is not enabled is not read, its constant is 0 and its BPF programs are skipped', () => {
  const resolved = plan(blockYaml, block, { metrics: ['block.io.size'], namespace: '' });
  assert.deepEqual(
    resolved.tables.map(({ width, fields }) => [width, fields.map(({ offset }) => offset)]),
    [[28, [224, 440]]],
  );
  assert.deepEqual(
    resolved.constants,
    new Map([
      ['only_device', 7],
      ['enable_latency', 0],
      ['enable_size', 1],
    ]),
  );
  assert.deepEqual(resolved.skip, new Set(['issue']));
  assert.deepEqual([...resolved.needs.keys()], ['block.io.size']);
  assert.deepEqual(resolved.perCpuFirst, ['block_io_cache', 'unmatched']);
});

test("an operator's constants win over the file's", () => {
  assert.equal(plan(blockYaml, block, { constants: new Map([['only_device', 9n]]) }).constants.get('only_device'), 9);
});

const biolatency = `
metrics:
  histograms:
    - name: disk_wait_seconds
      help: How long disks took
      bucket_type: exp2
      bucket_min: 0
      bucket_max: 26
      bucket_multiplier: 0.000001
      labels:
        - name: device
          size: 4
          decoders:
            - name: majorminor
        - name: operation
          size: 1
          padding: 3
          decoders:
            - name: uint
            - name: static_map
              static_map:
                0: read
                1: write
        - name: bucket
          size: 8
          decoders:
            - name: uint
`;

test("ebpf_exporter's histogram has its buckets in the last label of the key", () => {
  const { tables } = plan(biolatency, layout({ maps: [map('disk_wait_seconds', 'hash', 16, 8)] }));
  const [table] = tables;
  const [metric] = table!.metrics as HistogramMetricPlan[];
  const { metrics, bucketKey, ...rest } = table!;
  assert.deepEqual(rest, {
    name: 'disk_wait_seconds',
    source: { kind: 'entries', map: 'disk_wait_seconds', perCpu: 'no', cache: undefined },
    keySize: 16,
    labels: [
      { name: 'device', offset: 0, size: 4, decoders: [{ name: 'majorminor' }] },
      {
        name: 'operation',
        offset: 4,
        size: 1,
        decoders: [
          { name: 'uint' },
          {
            name: 'static_map',
            staticMap: new Map([
              ['0', 'read'],
              ['1', 'write'],
            ]),
          },
        ],
      },
    ],
    width: 28,
    fields: [{ offset: 0, type: 'u64', count: 1, cell: 0 }],
  });
  assert.deepEqual(bucketKey!.label, { name: 'bucket', offset: 8, size: 8, decoders: [{ name: 'uint' }] });
  assert.deepEqual([...bucketKey!.columns].slice(0, 2), [
    [0, 0],
    [1, 1],
  ]);
  assert.equal(bucketKey!.columns.get(26), 26);
  assert.equal(bucketKey!.columns.get(27), 27);
  assert.equal(bucketKey!.columns.size, 28);
  const { bounds, le, ...histogram } = metric!;
  assert.deepEqual(histogram, {
    kind: 'histogram',
    name: 'ebpf.disk_wait_seconds',
    help: 'How long disks took',
    unit: '',
    cell: 0,
    slots: 27,
    powersOfTwo: true,
    sum: { cell: 27, scale: { multiplier: 0.000001, divisor: 1 } },
  });
  assert.equal(bounds.length, 27);

  assert.deepEqual(
    bounds,
    Array.from({ length: 27 }, (_, i) => 2 ** i * 0.000001),
  );
  assert.equal(le[4], '1.6e-05');
  assert.equal(le[26], '67.108864');
});

test("ebpf_exporter's counters: by size, on ARRAY maps, per CPU, and without labels", () => {
  const yaml = `
metrics:
  counters:
    - name: timers
      help: Timers
      labels:
        - {name: function, size: 8, decoders: [{name: ksym}]}
    - name: kinds
      help: By kind
      labels:
        - {name: kind, size: 4, decoders: [{name: uint}, {name: static_map, static_map: {1: on, 2: 0x10, 3: 1e3}}]}
    - name: cpus
      help: Per CPU
      labels:
        - {name: kind, size: 4, decoders: [{name: uint}]}
        - {name: cpu, size: 2, decoders: [{name: uint}]}
    - name: one
      help: No labels
    - name: one_percpu
      help: No labels
`;
  const { tables, perCpuFirst } = plan(
    yaml,
    layout({
      maps: [
        map('timers', 'lru_hash', u64, u64),
        map('kinds', 'array', u32, u64, 10),
        map('cpus', 'percpu_array', u32, u64, 10),
        map('one', 'array', u32, u64, 1),
        map('one_percpu', 'percpu_array', u32, u32, 1),
      ],
    }),
  );
  assert.deepEqual(
    tables.map(({ source, keySize, labels, fields }) => [source, keySize, labels, fields[0]!.type]),
    [
      [
        { kind: 'entries', map: 'timers', perCpu: 'no', cache: undefined },
        8,
        [{ name: 'function', offset: 0, size: 8, decoders: [{ name: 'ksym' }] }],
        'u64',
      ],
      [
        { kind: 'entries', map: 'kinds', perCpu: 'no', cache: undefined },
        4,
        [
          {
            name: 'kind',
            offset: 0,
            size: 4,
            decoders: [
              { name: 'uint' },
              {
                name: 'static_map',
                staticMap: new Map([
                  ['1', 'on'],
                  ['2', '0x10'],
                  ['3', '1e3'],
                ]),
              },
            ],
          },
        ],
        'u64',
      ],
      [
        { kind: 'entries', map: 'cpus', perCpu: 'label', cache: undefined },
        6,
        [
          { name: 'kind', offset: 0, size: 4, decoders: [{ name: 'uint' }] },
          { name: 'cpu', offset: 4, size: 2, decoders: [{ name: 'uint' }] },
        ],
        'u64',
      ],
      [{ kind: 'indexed', memory: { map: 'one', offset: 0 }, dimensions: [], zeros: true }, 0, [], 'u64'],
      [{ kind: 'entries', map: 'one_percpu', perCpu: 'sum', cache: undefined }, 4, [], 'u32'],
    ],
  );
  assert.deepEqual(perCpuFirst, []);
});

test('a label cpu that the key holds is an ordinary one', () => {
  const yaml = 'metrics: {counters: [{name: a, labels: [{name: cpu, size: 4, decoders: [{name: uint}]}]}]}';
  const { tables } = plan(yaml, layout({ maps: [map('a', 'percpu_hash', 4, 8)] }));
  assert.deepEqual(tables[0]!.labels, [{ name: 'cpu', offset: 0, size: 4, decoders: [{ name: 'uint' }] }]);
  assert.equal(tables[0]!.keySize, 4);
});

test('metrics of the same map and labels share a table, others do not', () => {
  const value = struct('v', { a: u64, b: u64 });
  const yaml = `
maps: {one: {map: m}, two: {map: m, labels: [{name: other, field: k}]}}
metrics:
  counters:
    - {name: a, map: m, field: a}
    - {name: b, map: one, field: b}
    - {name: c, map: two, field: b}
    - {name: d, map: m, field: a}
`;
  const { tables } = plan(yaml, layout({ maps: [map('m', 'hash', struct('k', { k: u32 }), value)] }));
  assert.deepEqual(
    tables.map(({ width, metrics }) => [
      width,
      metrics.map((metric) => [metric.name, (metric as { cell: number }).cell]),
    ]),
    [
      [
        2,
        [
          ['ebpf.a', 0],
          ['ebpf.b', 1],
          ['ebpf.d', 0],
        ],
      ],
      [1, [['ebpf.c', 0]]],
    ],
  );
});

test('whatever is cut off or left out of a file, it is read or has errors with a place', () => {
  const cut = Array.from(blockYaml, (_, end) => blockYaml.slice(0, end));
  const lines = blockYaml.split('\n');
  const without = lines.map((_, left) => lines.filter((_line, index) => index !== left).join('\n'));
  const changed = ['{', '[', ':', '*', '~', '"', '- ', '\t', '9'].flatMap((text) =>
    Array.from(
      { length: blockYaml.length / 7 },
      (_, i) => blockYaml.slice(0, i * 7) + text + blockYaml.slice(i * 7 + 1),
    ),
  );
  for (const yaml of [...cut, ...without, ...changed]) {
    const diagnostics = new Diagnostics();
    const file = parseProgramFile(yaml, 'x.yaml', diagnostics);
    const resolved = file && resolveProgram(file, block, options, diagnostics);
    assert.equal(resolved === undefined, diagnostics.hasErrors, yaml);
    for (const { line, column, message } of diagnostics.errors) {
      assert.ok(line >= 1 && line <= yaml.split('\n').length && column >= 1 && message !== '', yaml);
    }
  }
});

test('one histogram per CPU, where the bucket is the last part of the key and the CPU is asked for', () => {
  const key = struct('size', { device: u32, bucket: u32 });
  const object = layout({ maps: [map('sizes', 'percpu_hash', key, u64)] });
  const uint = 'decoders: [{name: uint}]';
  const bySize = `metrics:
  histograms:
    - name: sizes
      bucket_max: 3
      labels: [{name: device, size: 4, ${uint}}, {name: bucket, size: 4, ${uint}}, {name: cpu, size: 2, ${uint}}]
`;
  const described = `maps: {sizes: {per_cpu: cpu}}
metrics: {histograms: [{name: sizes, bucket_max: 3}]}
`;
  for (const yaml of [bySize, described]) {
    const [table] = plan(yaml, object).tables;
    assert.deepEqual(table?.source, { kind: 'entries', map: 'sizes', perCpu: 'label', cache: undefined });
    assert.equal(table.keySize, 10);
    assert.deepEqual(
      table.labels.map(({ name, offset, size }) => [name, offset, size]),
      [
        ['device', 0, 4],
        ['cpu', 8, 2],
      ],
    );
    const { label, columns } = table.bucketKey!;
    assert.deepEqual([label.name, label.offset, label.size], ['bucket', 4, 4]);
    assert.deepEqual([...columns.keys()], [0, 1, 2, 3, 4]);
    assert.equal(table.width, 5);
  }
});

test('a per-CPU map with the label cpu alone has one series per CPU', () => {
  const object = layout({
    maps: [
      map('one', 'percpu_array', u32, u64, 1),
      map('h', 'percpu_hash', u32, u64),
      map('w', 'percpu_hash', u64, u64),
    ],
  });
  const yaml = (name: string, size = 2) =>
    `metrics: {counters: [{name: ${name}, labels: [{name: cpu, size: ${size}, decoders: [{name: uint}]}]}]}`;
  for (const name of ['one', 'h']) {
    const [table] = plan(yaml(name), object).tables;
    assert.deepEqual(table?.source, { kind: 'entries', map: name, perCpu: 'label', cache: undefined });
    assert.equal(table.keySize, 6);
    assert.deepEqual(table.labels, [{ name: 'cpu', offset: 4, size: 2, decoders: [{ name: 'uint' }] }]);
  }
  // The key itself may be called so.
  assert.equal((plan(yaml('one', 4), object).tables[0]!.source as EntriesSource).perCpu, 'sum');
  assert.deepEqual(errors(yaml('w'), object), [
    'x.yaml:1:48: the labels cover 2 bytes, but the key of map "w" has 8 (u64)',
  ]);
});

test('an LPM_TRIE is read by key', () => {
  const key = struct('prefix', { length: u32, address: u32 });
  const yaml = 'metrics: {counters: [{name: t, labels: [{name: address, decoders: [{name: inet_ip}]}]}]}';
  const [table] = plan(yaml, layout({ maps: [map('t', 'lpm_trie', key, u64)] })).tables;
  assert.deepEqual(table?.source, { kind: 'entries', map: 't', perCpu: 'no', cache: undefined });
  assert.deepEqual(
    table.labels.map(({ name }) => name),
    ['length', 'address'],
  );
});
