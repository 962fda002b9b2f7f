import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseProgramFile } from '../../../src/config/program/file.ts';
import { resolveProgram } from '../../../src/config/resolve/program.ts';
import { Diagnostics } from '../../../src/config/yaml/diagnostic.ts';

function parse(entry: string, metrics = '', diagnostics = new Diagnostics()) {
  const text = `maps:\n  m:\n    ${entry}\nmetrics:\n${metrics || '  counters: [{name: n, map: m, field: calls}]'}\n`;
  const file = parseProgramFile(text, 'p.yaml', diagnostics);
  const plan = file && resolveProgram(file, undefined, { namespace: '', cpus: 2 }, diagnostics);
  return { plan, errors: diagnostics.errors.map(({ line, column, message }) => `${line}:${column}: ${message}`) };
}

test('globs keep their places, and those that leave out lose their "!"', () => {
  const { plan, errors } = parse("functions: ['vfs_*', '!vfs_lock*', 'ext4_[a-c]? [ext4]']");
  assert.deepEqual(errors, []);
  const { counts, map, metrics } = plan!.sources[0]!;
  assert.equal(map, 'm');
  assert.deepEqual(metrics, [{ name: 'n', field: 'calls' }]);
  assert.ok(counts.kind === 'functions');
  assert.equal(counts.limit, 100);
  assert.deepEqual(
    counts.patterns.map(({ text, excludes, at }) => [text, excludes, at.line, at.column]),
    [
      ['vfs_*', false, 3, 17],
      ['vfs_lock*', true, 3, 26],
      ['ext4_[a-c]? [ext4]', false, 3, 40],
    ],
  );
});

test('nothing behind the key is an error, also where ebpf_exporter would take it for not there', () => {
  for (const key of ['functions', 'tracepoints', 'perf_events']) {
    for (const readsAsExporter of [false, true]) {
      const { plan, errors } = parse(`${key}:`, '', new Diagnostics({ readsAsExporter }));
      assert.equal(plan, undefined);
      assert.ok(errors.length > 0);
    }
  }
});

test('functions are labelled by name, and have calls, what was missed, and a histogram', () => {
  const histogram = '  histograms: [{name: h, unit: s, map: m, field: latency, in: us, sum_in: ns}]';
  const { plan, errors } = parse(
    'functions: [vfs_read]',
    `  counters: [{name: n, map: m, field: calls}, {name: l, map: m, field: missed}]\n${histogram}`,
  );
  assert.deepEqual(errors, []);
  const [table] = plan!.tables;
  assert.deepEqual(table!.source, { kind: 'entries', map: 'm', perCpu: 'sum', cache: undefined });
  assert.deepEqual(
    table!.labels.map(({ name, size, decoders }) => [name, size, decoders]),
    [['code.function.name', 512, [{ name: 'string' }]]],
  );
  assert.deepEqual(
    table!.fields.map(({ offset, count }) => [offset, count]),
    [
      [0, 1],
      [8, 1],
      [16, 27],
      [232, 1],
    ],
  );
  assert.deepEqual(
    plan!.sources[0]!.metrics.map(({ field }) => field),
    ['calls', 'missed', 'latency'],
  );
});

test('tracepoints are labelled by name, and their value is the number', () => {
  const { plan, errors } = parse("{tracepoints: ['sched:*', sys_enter], limit: 7}", '  counters: [{name: n, map: m}]');
  assert.deepEqual(errors, []);
  const [table] = plan!.tables;
  assert.deepEqual(
    table!.labels.map(({ name, size }) => [name, size]),
    [['tracepoint.name', 128]],
  );
  const { counts } = plan!.sources[0]!;
  assert.ok(counts.kind === 'tracepoints');
  assert.equal(counts.limit, 7);
});

test('a map that no enabled metric reads is no source', () => {
  const diagnostics = new Diagnostics();
  const text = `maps:\n  a: {tracepoints: [sched_switch]}\n  b: {functions: [vfs_read]}\nmetrics:\n  counters: [{name: n, map: a}, {name: m, map: b, field: calls}]\n`;
  const file = parseProgramFile(text, 'p.yaml', diagnostics)!;
  const plan = resolveProgram(file, undefined, { namespace: '', cpus: 2, metrics: ['n'] }, diagnostics)!;
  assert.deepEqual(
    plan.sources.map(({ map }) => map),
    ['a'],
  );
});

describe('bad globs are errors where they stand', () => {
  const cases: readonly [entry: string, error: RegExp][] = [
    ['functions: []', /^3:16: "functions" names nothing$/],
    ['functions:', /^3:15: "functions" names nothing$/],
    ['functions: vfs_read', /^3:16: "functions" must be a list, not "vfs_read"$/],
    ["functions: ['!vfs_*']", /^3:16: "functions" names nothing: each of its globs begins with "!"/],
    ['functions: [vfs_read, vfs_read]', /^3:27: "vfs_read" is there twice$/],
    ["functions: ['vfs_[ab']", /^3:17: "vfs_\[ab" is neither a name nor a glob with \*, \? and \[\.\.\.\]$/],
    ["functions: ['vfs_[a-cz-x]*']", /^3:17: "vfs_\[a-cz-x\]\*": "z-x" has no characters, since it goes down$/],
    ["functions: ['vfs read']", /^3:17: "vfs read" is neither/],
    ["functions: ['']", /^3:17: item 1 of "functions" is empty$/],
    ["functions: ['!']", /^3:17: "!" is neither/],
    ["functions: ['fs:vfs_read']", /^3:17: "fs:vfs_read" is neither/],
    ["tracepoints: ['a:b:c']", /^3:19: "a:b:c" is neither/],
    ["tracepoints: ['sched:']", /^3:19: "sched:" is neither/],
    ["tracepoints: ['sched/sched_switch']", /^3:19: "sched\/sched_switch" is neither/],
    ['{functions: [vfs_read], limit: 0}', /^3:36: "limit" must be an integer from 1 to 10000, not "0"$/],
    ['{functions: [vfs_read], limit: 10001}', /^3:36: "limit" must be an integer from 1 to 10000/],
    ['{functions: [vfs_read], by: cpu}', /"by"/],
  ];
  for (const [entry, error] of cases) {
    test(entry, () => {
      const { plan, errors } = parse(entry);
      assert.equal(plan, undefined);
      assert.match(errors[0] ?? 'no error', error);
    });
  }
});
