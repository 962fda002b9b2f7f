import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { possibleCpus } from '../../../src/kernel/cpus.ts';
import { callGetppid, getppid } from '../../fixtures/plan.ts';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import { MeterProcess, runMeter, Scrape } from '../../helpers/process.ts';
import { type ProgramFiles, programFolder } from '../../helpers/program-folder.ts';

const constants = `constants: {wanted_pid: ${process.pid}, wanted_call: ${getppid}}`;
const uint = '[{name: uint}]';

/** A process that was started as ebpf_exporter is. */
class Exporter extends MeterProcess {
  url = '';

  static async start(folder: string, names: string, ...more: string[]): Promise<Exporter> {
    const options = [`--config.dir=${folder}`, `--config.names=${names}`, '--web.listen-address=127.0.0.1:0'];
    const exporter = new Exporter([...options, ...more]);
    try {
      await exporter.logged(/ INFO {2}running after /);
      exporter.url = (await exporter.logged(/ metrics: (http:\S+)/))[1]!;
      return exporter;
    } catch (error) {
      await exporter[Symbol.asyncDispose]();
      throw error;
    }
  }

  async scrape(): Promise<Scrape> {
    return new Scrape(await (await fetch(this.url, { headers: { 'accept-encoding': 'identity' } })).text());
  }

  /** The samples of the programs' metrics, sorted. */
  async samples(): Promise<string[]> {
    return samplesOf(await this.scrape());
  }

  /** Scrapes until what is wanted is there; the test's own time limit ends it. */
  async until(isThere: (scrape: Scrape) => boolean): Promise<Scrape> {
    for (;;) {
      const scrape = await this.scrape();
      if (isThere(scrape)) return scrape;
      await wait(50);
    }
  }
}

function samplesOf(scrape: Scrape): string[] {
  return scrape.text
    .split('\n')
    .filter((line) => line.startsWith('ebpf_exporter_getppid'))
    .toSorted();
}

const buckets = `${constants}
metrics:
  counters:
    - {name: getppid_total, help: Without labels}
    - {name: getppid_array_total, help: An array, labels: [{name: index, size: 4, decoders: ${uint}}]}
    - {name: getppid_one, help: An array's value}
    - {name: getppid_per_cpu_total, help: By CPU, labels: [{name: kind, size: 1, decoders: ${uint}}, {name: cpu, size: 2, decoders: ${uint}}]}
    - {name: getppid_never_total, help: Nothing, labels: [{name: index, size: 4, decoders: ${uint}}]}
    - name: getppid_word_total
      help: Text as it is written
      labels:
        - name: word
          size: 2
          decoders:
            - name: uint
            - name: static_map
              allow_unknown: true
              static_map:
                0x10: hexadecimal
                16: on
                1e3: scientific
                1000: 0x10
    - name: getppid_text_total
      help: Text
      labels:
        - {name: left, size: 4, decoders: [{name: string}]}
        - {name: right, size: 4, decoders: [{name: string}]}
  histograms:
    - {name: getppid_exp2, help: e, bucket_type: exp2, bucket_min: 0, bucket_max: 4, labels: [{name: bucket, size: 8, decoders: ${uint}}]}
    - {name: getppid_exp2zero, help: z, bucket_type: exp2zero, bucket_min: 0, bucket_max: 4, bucket_multiplier: 0.000001, labels: [{name: bucket, size: 8, decoders: ${uint}}]}
    - {name: getppid_linear, help: l, bucket_type: linear, bucket_min: 0, bucket_max: 5, bucket_multiplier: 500000, labels: [{name: bucket, size: 8, decoders: ${uint}}]}
    - {name: getppid_fixed, help: f, bucket_type: fixed, bucket_keys: [5, 20, 100, 1000], labels: [{name: bucket, size: 8, decoders: ${uint}}]}
`;

function histogram(name: string, lines: readonly (readonly [le: string, count: number])[], sum: string, count: number) {
  return [
    ...lines.map(([le, value]) => `ebpf_exporter_${name}_bucket{le="${le}"} ${value}`),
    `ebpf_exporter_${name}_bucket{le="+Inf"} ${count}`,
    `ebpf_exporter_${name}_sum ${sum}`,
    `ebpf_exporter_${name}_count ${count}`,
  ];
}

const records = `${constants}
metrics:
  counters:
    - name: getppid_records_total
      help: Records
      perf_event_array: true
      labels: [{name: number, size: 4, decoders: ${uint}}, {name: parity, size: 1, padding: 3, decoders: ${uint}}]
    - {name: getppid_marks_total, help: Marks, perf_event_array: true}
    - name: getppid_flushed_total
      help: Thrown away
      perf_event_array: true
      flush_interval: 1s
      labels: [{name: number, size: 4, decoders: ${uint}}]
`;

const told = (more: string) => `${constants}
${more}
metrics:
  counters:
    - {name: getppid_by_symbol_total, help: s, labels: [{name: symbol, size: 8, decoders: [{name: ksym}]}]}
    - {name: getppid_by_cgroup_total, help: c, labels: [{name: cgroup, size: 8, decoders: [{name: uint}, {name: cgroup}]}]}
`;

/** A counter in a file of its own, by one of the maps of exporter-buckets. */
const one = (metric: string): ProgramFiles => ({
  yaml: `${constants}\nmetrics:\n  ${metric}\n`,
  object: 'exporter-buckets',
});

describe('programs of ebpf_exporter', () => {
  it('buckets of all types, arrays, CPUs, texts as written, and keys without labels', async () => {
    using folder = programFolder({ buckets: { yaml: buckets, object: 'exporter-buckets' } });
    await using exporter = await Exporter.start(folder.path, 'buckets');
    const before = await exporter.scrape();
    // Arrays are there from the first scrape, hash maps not even by TYPE.
    assert.deepEqual(samplesOf(before), [
      'ebpf_exporter_getppid_array_total{index="0"} 0',
      'ebpf_exporter_getppid_array_total{index="1"} 0',
      'ebpf_exporter_getppid_array_total{index="2"} 0',
      'ebpf_exporter_getppid_one 0',
    ]);
    assert.ok(!/ebpf_exporter_getppid_(never_|word_)?total/.test(before.text), before.text);

    callGetppid(23);
    const scrape = await exporter.scrape();
    const perCpu = scrape.page.families.get('ebpf_exporter_getppid_per_cpu_total')!.samples;
    const cpus = Number(spawnSync('getconf', ['_NPROCESSORS_CONF'], { encoding: 'utf8' }).stdout);
    assert.deepEqual(
      perCpu.map(({ labels }) => labels.cpu).toSorted(),
      Array.from({ length: cpus }, (_, n) => `${n}`).toSorted(),
    );
    assert.equal(scrape.total('ebpf_exporter_getppid_per_cpu_total', { kind: '1' }), 23);
    assert.deepEqual(
      samplesOf(scrape).filter((line) => !line.includes('per_cpu')),
      [
        'ebpf_exporter_getppid_array_total{index="0"} 0',
        'ebpf_exporter_getppid_array_total{index="1"} 23',
        'ebpf_exporter_getppid_array_total{index="2"} 0',
        'ebpf_exporter_getppid_one 23',
        'ebpf_exporter_getppid_total 23',
        'ebpf_exporter_getppid_word_total{word="on"} 8',
        'ebpf_exporter_getppid_word_total{word="0x10"} 8',
        'ebpf_exporter_getppid_word_total{word="2048"} 7',
        // Label sets that a separator would make one, and bytes that are no UTF-8.
        'ebpf_exporter_getppid_text_total{left="a|",right="b"} 6',
        'ebpf_exporter_getppid_text_total{left="a",right="|b"} 6',
        'ebpf_exporter_getppid_text_total{left="\ufffdff",right="b"} 6',
        'ebpf_exporter_getppid_text_total{left="a",right="b"} 5',
        ...histogram(
          'getppid_exp2',
          [
            ['1', 6],
            ['2', 12],
            ['4', 18],
            ['8', 23],
            ['16', 23],
          ],
          '82',
          23,
        ),
        ...histogram(
          'getppid_exp2zero',
          [
            ['0', 6],
            ['1e-06', 12],
            ['2e-06', 18],
            ['4e-06', 23],
            ['8e-06', 23],
          ],
          '0.000037999999999999995',
          23,
        ),
        ...histogram(
          'getppid_linear',
          [
            ['0', 6],
            ['500000', 12],
            ['1e+06', 18],
            ['1.5e+06', 23],
            ['2e+06', 23],
            ['2.5e+06', 23],
          ],
          '16500000',
          23,
        ),
        ...histogram(
          'getppid_fixed',
          [
            ['5', 12],
            ['20', 12],
            ['100', 23],
            ['1000', 23],
          ],
          '806',
          23,
        ),
      ].toSorted(),
    );
    // As Prometheus asks: in OpenMetrics these would be le="1.0".
    const accept = 'application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
    const answer = await fetch(exporter.url, { headers: { accept } });
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.match(await answer.text(), /^ebpf_exporter_getppid_exp2_bucket\{le="1"\} 6$/m);
    // What one series has stands in the order of its bounds.
    assert.match(scrape.text, /le="0"} 6\n.*le="1e-06"} 12\n.*le="2e-06"} 18\n.*le="4e-06"} 23\n.*le="8e-06"} 23\n/);
  });

  it('one series, and one histogram, per CPU where the key says nothing else, or only the bucket', async () => {
    const cpu = `{name: cpu, size: 2, decoders: ${uint}}`;
    const yaml = `${constants}
metrics:
  counters:
    - {name: getppid_by_slot, help: s, labels: [${cpu}]}
  histograms:
    - name: getppid_time_seconds
      help: t
      bucket_max: 26
      labels: [{name: bucket, size: 8, decoders: ${uint}}, ${cpu}]
`;
    using folder = programFolder({ cpus: { yaml, object: 'exporter-style' } });
    const allowed = allowedCpus();
    const last = /\d+$/.exec(allowed)![0];
    pin(last);
    try {
      await using exporter = await Exporter.start(folder.path, 'cpus');
      callGetppid(23);
      const scrape = await exporter.scrape();
      const cpus = Array.from({ length: possibleCpus().indexes }, (_, index) => String(index));
      const time = 'ebpf_exporter_getppid_time_seconds';
      for (const one of cpus) {
        const count = one === last ? 23 : 0;
        assert.equal(scrape.total('ebpf_exporter_getppid_by_slot', { cpu: one }), count);
        assert.equal(scrape.total(`${time}_count`, { cpu: one }), count);
        // Bucket n has one for each n up to 23.
        assert.equal(scrape.total(`${time}_bucket`, { cpu: one, le: '128' }), Math.min(count, 7));
        assert.equal(scrape.total(`${time}_sum`, { cpu: one }), count === 0 ? 0 : 2 ** 24 - 2);
      }
      const counts = samplesOf(scrape).filter((line) => line.startsWith(`${time}_count`));
      assert.equal(counts.length, cpus.length);
    } finally {
      pin(allowed);
    }
  });

  it('a pair in a folder within is called by both names, and an LPM_TRIE is read', async () => {
    const trie = `${constants}
metrics:
  counters:
    - name: getppid_by_prefix
      help: p
      map: lpm_trie
      field: count
      labels: [{name: length, size: 4, decoders: ${uint}}, {name: address, size: 4, decoders: [{name: inet_ip}]}]
`;
    using folder = programFolder({
      'net/trie': { yaml: trie, object: 'every-map' },
      'net/unwanted': { yaml: 'metrics: [', object: 'every-map' },
      total: one('counters: [{name: getppid_total, help: t}]'),
    });
    await using exporter = await Exporter.start(folder.path, 'net/trie,total');
    callGetppid(23);
    const scrape = await exporter.scrape();
    assert.deepEqual(samplesOf(scrape), [
      ...[5, 5, 5, 4, 4].map((count, key) => {
        return `ebpf_exporter_getppid_by_prefix{length="32",address="${key}.0.0.0"} ${count}`;
      }),
      'ebpf_exporter_getppid_total 23',
    ]);
    const enabled = scrape.page.families.get('ebpf_exporter_enabled_configs')!.samples;
    assert.deepEqual(
      enabled.map(({ labels }) => labels.name),
      ['net/trie', 'total'],
    );
    const listed = await runMeter(['list', `--config.dir=${folder.path}`, '--config.names=net/trie']);
    assert.equal(listed.status, 0, listed.stderr);
    assert.match(listed.stdout, /^net\/trie \(enabled\)\n/);
  });

  it('a metric has as many series as its map has room for', async () => {
    const yaml = `${constants}
metrics: {counters: [{name: getppid_many_total, help: m, labels: [{name: index, size: 4, decoders: ${uint}}]}]}
`;
    using folder = programFolder({ many: { yaml, object: 'exporter-many' } });
    await using exporter = await Exporter.start(folder.path, 'many');
    callGetppid(23);
    const scrape = await exporter.scrape();
    assert.equal(samplesOf(scrape).length, 20_011);
    assert.equal(scrape.total('ebpf_exporter_getppid_many_total', { index: '20010' }), 23);
    assert.ok(!scrape.text.includes('otel_metric_overflow'));
    assert.doesNotMatch(exporter.stderr, / WARN /);
  });

  it('records of a perf event array are counted, kept for ever unless a flush is asked for, and none is lost unseen', async () => {
    using folder = programFolder({ records: { yaml: records, object: 'exporter-records' } });
    await using exporter = await Exporter.start(folder.path, 'records');
    assert.ok(!(await exporter.scrape()).text.includes('ebpf_exporter_getppid'));
    callGetppid(23);
    const counted = [
      'ebpf_exporter_getppid_marks_total 23',
      'ebpf_exporter_getppid_records_total{number="0",parity="0"} 4',
      'ebpf_exporter_getppid_records_total{number="0",parity="1"} 4',
      'ebpf_exporter_getppid_records_total{number="1",parity="0"} 4',
      'ebpf_exporter_getppid_records_total{number="1",parity="1"} 4',
      'ebpf_exporter_getppid_records_total{number="2",parity="0"} 4',
      'ebpf_exporter_getppid_records_total{number="2",parity="1"} 3',
    ];
    const scrape = await exporter.scrape();
    assert.deepEqual(
      samplesOf(scrape).filter((line) => !line.includes('flushed')),
      counted,
    );
    const flushed = await exporter.until((page) => page.total('ebpf_exporter_getppid_flushed_total') === 0);
    assert.ok(!flushed.text.includes('getppid_flushed_total{'));
    assert.deepEqual(samplesOf(flushed), counted);

    // While it can't look, its buffers fill. The kernel tells what was lost with the CPU's next record that has room.
    const allowed = allowedCpus();
    pin(/\d+$/.exec(allowed)![0]);
    exporter.kill('SIGSTOP');
    callGetppid(40_009);
    exporter.kill('SIGCONT');
    await exporter.scrape();
    callGetppid(1);
    const after = await exporter.scrape();
    pin(allowed);
    const lost = after.total('ebpf_meter_map_lost', { map: 'getppid_marks_total', reason: 'buffer_full' });
    assert.ok(lost > 0);
    assert.equal(after.total('ebpf_exporter_getppid_marks_total') + lost, 23 + 40_009 + 1);
  });

  it('kaddrs, and the cgroups that match as they come and go', async () => {
    const name = `ebpf-meter-${process.pid}`;
    const more = `kaddrs: [vfs_read, vfs_write]\ncgroup_id_map: {name: wanted_cgroups, regexps: ['/${name}-[ab]$']}`;
    using folder = programFolder({ told: { yaml: told(more), object: 'exporter-kernel' } });
    await using exporter = await Exporter.start(folder.path, 'told');
    callGetppid(23);
    assert.deepEqual(await exporter.samples(), [
      'ebpf_exporter_getppid_by_symbol_total{symbol="vfs_read"} 23',
      'ebpf_exporter_getppid_by_symbol_total{symbol="vfs_write"} 23',
    ]);
    await countsIn(exporter, name);
  });

  it('cgroups that match, in their own storage', {
    skip: isKernelSince(6, 2) ? false : 'CGRP_STORAGE maps came with Linux 6.2',
  }, async () => {
    const name = `ebpf-meter-${process.pid}`;
    const yaml = `constants: {wanted_call: ${getppid}}
cgroup_id_map: {name: wanted_cgroups, type: cgrp_storage, regexps: ['/${name}-[ab]$']}
metrics:
  counters:
    - {name: getppid_by_cgroup_total, help: c, labels: [{name: cgroup, size: 8, decoders: [{name: uint}, {name: cgroup}]}]}
`;
    using folder = programFolder({ told: { yaml, object: 'exporter-storage' } });
    await using exporter = await Exporter.start(folder.path, 'told');
    await countsIn(exporter, name);
  });

  it('a symbol that this kernel lacks costs its program, which is said, and nothing else', async () => {
    using folder = programFolder({
      lacks: { yaml: told('kaddrs: [nobody_has_this]'), object: 'exporter-lacks' },
      works: one('counters: [{name: getppid_total, help: t}]'),
    });
    await using exporter = await Exporter.start(folder.path, 'lacks,works');
    callGetppid(23);
    assert.deepEqual(await exporter.samples(), ['ebpf_exporter_getppid_total 23']);
    assert.match(exporter.stderr, / WARN {2}lacks: kaddrs: "nobody_has_this": this kernel has no such symbol\n/);
    const strict = await runMeter([`--config.dir=${folder.path}`, '--config.names=lacks,works', '--config.strict']);
    assert.equal(strict.status, 1);
  });

  it('a key that can’t be decoded costs itself, and SIGTERM detaches perf events', async () => {
    const word = (decoder: string) =>
      `[{name: w, size: 2, decoders: [{name: string}, {name: static_map, allow_unknown: true, static_map: {${decoder}}}, {name: errno}]}]`;
    const samples = `constants: {wanted_pid: ${process.pid}}
metrics: {counters: [{name: samples, help: s, labels: [{name: kind, size: 4, decoders: ${uint}}]}]}
`;
    using folder = programFolder({
      // 0x10 and 0x800 decode as these bytes, 1000 as bytes that are no number.
      words: one(`counters: [{name: getppid_word_total, help: w, labels: ${word('"\\x10": 2, "": 11')}}]`),
      samples: { yaml: samples, object: 'perf-event' },
    });
    await using exporter = await Exporter.start(folder.path, 'words,samples');
    callGetppid(23);
    const scrape = await exporter.scrape();
    assert.deepEqual(samplesOf(scrape), [
      'ebpf_exporter_getppid_word_total{w="EAGAIN"} 7',
      'ebpf_exporter_getppid_word_total{w="ENOENT"} 8',
    ]);
    assert.equal(scrape.total('ebpf_meter_decode_errors', { program: 'words', label: 'w' }), 1);
    const errors = (page: Scrape, config: string) => page.total('ebpf_exporter_decoder_errors_total', { config });
    const first = errors(scrape, 'words');
    const next = await exporter.scrape();
    assert.equal(errors(next, 'words'), first + 1);
    assert.equal(errors(next, 'samples'), 0);
    assert.equal(next.total('ebpf_meter_decode_errors', { program: 'words', label: 'w' }), 1);
    assert.equal((await exporter.stop('SIGTERM')).status, 0);
  });

  it("system calls and errnos have ebpf_exporter's names", async () => {
    const futex = process.arch === 'arm64' ? 98 : 202;
    const label = (decoder: string, words: string) =>
      `labels: [{name: n, size: 2, decoders: [{name: uint}, {name: static_map, static_map: {${words}}}, {name: ${decoder}}]}]`;
    using folder = programFolder({
      errors: one(`counters: [{name: getppid_word_total, help: w, ${label('errno', '16: 95, 1000: 117, 2048: 512')}}]`),
      calls: one(
        `counters: [{name: getppid_calls_total, map: getppid_word_total, help: w, ${label('syscall', `16: ${futex}, 1000: ${futex}, 2048: 2000`)}}]`,
      ),
    });
    await using exporter = await Exporter.start(folder.path, 'errors,calls');
    callGetppid(23);
    assert.deepEqual(await exporter.samples(), [
      'ebpf_exporter_getppid_calls_total{n="futex_time64"} 16',
      'ebpf_exporter_getppid_calls_total{n="unknown_syscall:2000"} 7',
      'ebpf_exporter_getppid_word_total{n="EFSCORRUPTED"} 8',
      'ebpf_exporter_getppid_word_total{n="ENOTSUP"} 8',
      'ebpf_exporter_getppid_word_total{n="unknown:512"} 7',
    ]);
  });

  it('traces are answered with a line, and metrics beside them work', async () => {
    const buckets = one('counters: [{name: getppid_total, help: t}]');
    const tracing = 'tracing:\n  spans:\n    - {name: s, ringbuf: r}\n';
    using folder = programFolder({
      both: { ...buckets, yaml: buckets.yaml + tracing },
      only: { ...buckets, yaml: tracing },
    });
    await using exporter = await Exporter.start(folder.path, 'both,only');
    callGetppid(23);
    assert.deepEqual(await exporter.samples(), ['ebpf_exporter_getppid_total 23']);
    assert.match(
      exporter.stderr,
      /both\.yaml:4:1: "tracing": traces are not exported, only the metrics of this file\n/,
    );
    assert.match(
      exporter.stderr,
      /only\.yaml:1:1: "tracing": traces are not exported, and there are no metrics in this file\n/,
    );
  });

  it('a pair that is wrong costs itself, keys that nobody knows nothing, and both stop where that is wanted', async () => {
    using folder = programFolder({
      works: one('counters: [{name: getppid_total, table: calls, help: t}]'),
      wrong: one('counters: [{name: getppid_one, help: o, labels: [{name: a, size: 4, decoders: [{name: unit}]}]}]'),
    });
    writeFileSync(join(folder.path, 'half.yaml'), 'metrics: {counters: [{name: getppid_half_total}]}');
    const errors = [
      /wrong\.yaml:3:89: unknown decoder "unit", did you mean "uint"\?\n/,
      /half\.yaml: its object .*half\.bpf\.o is missing\n/,
    ];
    const names = 'works,wrong,half';
    const known = / unknown key "table"/;
    {
      await using exporter = await Exporter.start(folder.path, names);
      callGetppid(23);
      assert.deepEqual(await exporter.samples(), ['ebpf_exporter_getppid_total 23']);
      for (const error of errors) assert.match(exporter.stderr, error);
      assert.match(exporter.stderr, / WARN {2}.*works\.yaml:3:36: unknown key "table" is passed over/);
      const attached = (await exporter.scrape()).page.families.get('ebpf_exporter_ebpf_program_attached')!.samples;
      assert.deepEqual(
        attached
          .filter(({ value }) => value === 0)
          .map(({ labels }) => labels.id)
          .toSorted(),
        ['half/', 'wrong/'],
      );
    }
    const options = [`--config.dir=${folder.path}`, `--config.names=${names}`];
    const strict = await runMeter([...options, '--config.strict']);
    assert.equal(strict.status, 1);
    for (const error of [...errors, known]) assert.match(strict.stderr, error);
    const checked = await runMeter([...options, '--config.check']);
    assert.equal(checked.status, 1);
    assert.match(checked.stdout, /^works {2}attached 1 of 1\n/m);
    assert.match(checked.stdout, /unknown decoder "unit"/);
  });

  it('what ebpf_exporter takes is taken, with a warning, and stops where that is wanted', async () => {
    const metrics = `{
      counters: [{name: getppid_word_total, help: w, labels: [{name: w, size: 0_2, decoders: [{name: uint}, {name: static_map, static_map: {16: x, 1000: y, 16: z}}]}]}],
      histograms: [{name: getppid_fixed, help: f, bucket_type: fixed, bucket_keys: [5, 1_00, 0.5, 1000], labels: [{name: bucket, size: 010, decoders: ${uint}}]}]}`;
    const { yaml, object } = one('METRICS');
    using folder = programFolder({ all: { yaml: `${yaml.replace('METRICS', metrics)}---\nmore: {}\n`, object } });
    const warnings = [
      /all\.yaml:4:\d+: "size": 0_2 is read as 2\n/,
      /all\.yaml:4:\d+: "16" is there already, and the last one counts\n/,
      /all\.yaml:5:\d+: "bucket_keys": 0\.5 comes behind 100; they are sorted\n/,
      /all\.yaml:5:\d+: item 2 of "bucket_keys": 1_00 is read as 100\n/,
      /all\.yaml:5:\d+: no key is ever 0\.5, which is no unsigned integer\n/,
      /all\.yaml:5:\d+: "size": 010 is read as 8\n/,
      /all\.yaml:6:1: a second YAML document, which is passed over\n/,
    ];
    {
      await using exporter = await Exporter.start(folder.path, 'all');
      callGetppid(23);
      const lines = [
        ...histogram(
          'getppid_fixed',
          [
            ['0.5', 0],
            ['5', 12],
            ['100', 23],
            ['1000', 23],
          ],
          '806',
          23,
        ),
        'ebpf_exporter_getppid_word_total{w="unknown:2048"} 7',
        'ebpf_exporter_getppid_word_total{w="y"} 8',
        'ebpf_exporter_getppid_word_total{w="z"} 8',
      ];
      assert.deepEqual(await exporter.samples(), lines.toSorted());
      for (const warning of warnings) assert.match(exporter.stderr, warning);
    }
    const strict = await runMeter([`--config.dir=${folder.path}`, '--config.strict']);
    assert.equal(strict.status, 1);
    assert.match(strict.stderr, /all\.yaml:4:\d+: "size" must be an integer from 1 to 65536, not "0_2"\n/);
    assert.match(strict.stderr, /all\.yaml:6:1: a second YAML document begins here; a file has one\n/);
  });

  it('a pair whose names clash or are reserved costs itself, and no page', async () => {
    const exp2 =
      '{name: getppid_exp2, help: e, bucket_max: 4, labels: [{name: LABEL, size: 8, decoders: [{name: uint}]}]}';
    const lat = `${exp2.replace('getppid_exp2,', 'lat, map: getppid_exp2,').replace('LABEL', 'bucket')}`;
    const byWord = (name: string, label: string) =>
      `counters: [{name: ${name}, help: w, map: getppid_word_total, labels: [{name: ${label}, size: 2, decoders: ${uint}}]}]`;
    using folder = programFolder({
      works: one('counters: [{name: getppid_total, help: t}]'),
      count: one(`{histograms: [${lat}], counters: [{name: lat_count, help: c, map: getppid_one}]}`),
      bound: one(
        'histograms: [{name: l, help: e, map: getppid_text_total, bucket_max: 4, labels: [{name: le, size: 4, decoders: [{name: string}]}, {name: b, size: 4, decoders: [{name: string}]}]}]',
      ),
      inner: one(byWord('words_total', '__name__')),
      twice: one(`counters: [{name: a.b, help: a, map: getppid_one}, {name: a_b, help: a, map: getppid_one}]`),
      own: one('counters: [{name: build_info, help: b, map: getppid_one}]'),
      // What another pair is left out with is nobody's.
      after: one('counters: [{name: lat_count, help: c, map: getppid_array_total, labels: []}]'),
    });
    const errors = [
      /count\.yaml:3:\d+: metrics "ebpf_exporter\.lat_count" and "ebpf_exporter\.lat" \(.*\) are both "ebpf_exporter_lat_count"/,
      /bound\.yaml:3:\d+: label "le" of histogram "ebpf_exporter\.l": "le" is the bucket's bound/,
      /inner\.yaml:3:\d+: label "__name__" of metric "ebpf_exporter\.words_total": names that begin with "__"/,
      /twice\.yaml:3:\d+: metrics "ebpf_exporter\.a_b" and "ebpf_exporter\.a\.b" \(.*\) are both "ebpf_exporter_a_b"/,
      /own\.yaml:3:\d+: metric "ebpf_exporter\.build_info" is one of ebpf-meter's own/,
    ];
    const names = 'works,count,bound,inner,twice,own,after';
    {
      await using exporter = await Exporter.start(folder.path, names);
      callGetppid(23);
      const scrape = await exporter.scrape();
      assert.deepEqual(samplesOf(scrape), ['ebpf_exporter_getppid_total 23']);
      for (const error of errors) assert.match(exporter.stderr, error);
      const enabled = scrape.page.families.get('ebpf_exporter_enabled_configs')!.samples;
      assert.deepEqual(
        enabled.map(({ labels }) => labels.name),
        ['after', 'works'],
      );
      assert.equal(scrape.page.families.get('ebpf_exporter_lat_count')?.samples.length, 1);
    }
    const strict = await runMeter([`--config.dir=${folder.path}`, `--config.names=${names}`, '--config.strict']);
    assert.equal(strict.status, 1);
    for (const error of errors) assert.match(strict.stderr, error);
  });

  it('one metric in two files: equal ones are summed, others told by name, and the rest goes on', async () => {
    const array = `{name: getppid_array_total, help: a, labels: [{name: index, size: 4, decoders: ${uint}}]}`;
    const perCpu = `{name: getppid_per_cpu_total, help: c, labels: [{name: kind, size: 1, decoders: ${uint}}, {name: cpu, size: 2, decoders: ${uint}}]}`;
    using folder = programFolder({
      first: one(`counters: [{name: getppid_total, help: t}, {name: getppid_one, help: o}, ${array}, ${perCpu}]`),
      second: one(`counters: [{name: getppid_total, help: t}, {name: getppid_one, help: o}, ${array}, ${perCpu}]`),
      third: one(
        'counters: [{name: getppid_total, help: other}, {name: getppid_word_total, help: w, labels: [{name: w, size: 2, decoders: [{name: hex}]}]}]',
      ),
    });
    await using exporter = await Exporter.start(folder.path, 'first,second,third');
    callGetppid(23);
    const scrape = await exporter.scrape();
    const cpus = scrape.page.families
      .get('ebpf_exporter_getppid_per_cpu_total')!
      .samples.map(({ labels }) => labels.cpu);
    assert.deepEqual(cpus.toSorted(), Array.from({ length: possibleCpus().indexes }, (_, cpu) => `${cpu}`).toSorted());
    assert.equal(scrape.total('ebpf_exporter_getppid_per_cpu_total', { kind: '1' }), 46);
    const others = samplesOf(scrape).filter((line) => !line.includes('per_cpu'));
    assert.deepEqual(others, [
      'ebpf_exporter_getppid_array_total{index="0"} 0',
      'ebpf_exporter_getppid_array_total{index="1"} 46',
      'ebpf_exporter_getppid_array_total{index="2"} 0',
      'ebpf_exporter_getppid_one 46',
      'ebpf_exporter_getppid_total 46',
      'ebpf_exporter_getppid_word_total{w="0008"} 7',
      'ebpf_exporter_getppid_word_total{w="1000"} 8',
      'ebpf_exporter_getppid_word_total{w="e803"} 8',
    ]);
    assert.match(
      exporter.stderr,
      / ERROR .*third\.yaml:3:21: metric "ebpf_exporter\.getppid_total" is there already, in .*first\.yaml:3 with another help; it is left out here\n/,
    );
    const { status, stdout } = await runMeter([`--config.dir=${folder.path}`, '--config.check']);
    assert.equal(status, 1);
    assert.match(stdout, /metric "ebpf_exporter\.getppid_total" is there already/);
  });
});

function cgroupRoot(): string {
  const { stdout } = spawnSync('findmnt', ['-t', 'cgroup2', '-n', '-o', 'TARGET'], { encoding: 'utf8' });
  return stdout.trim().split('\n')[0]!;
}

/** Of this process, as taskset takes them: `0-3,6`. */
function allowedCpus(): string {
  return /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!;
}

function pin(cpus: string): void {
  const { status, stderr } = spawnSync('taskset', ['-pc', cpus, String(process.pid)], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

/** Calls from a cgroup NAME-a are counted as soon as it is known, those from NAME-c never. */
async function countsIn(exporter: Exporter, name: string): Promise<void> {
  const count = (page: Scrape, group: string) => page.total('ebpf_exporter_getppid_by_cgroup_total', { cgroup: group });
  for (const letter of ['a', 'c']) {
    const group = join(cgroupRoot(), `${name}-${letter}`);
    const script = `echo $$ > ${group}/cgroup.procs; exec ${process.execPath} -e process.ppid`;
    mkdirSync(group);
    try {
      if (letter === 'c') {
        assert.equal(spawnSync('sh', ['-c', script]).status, 0);
        assert.equal(count(await exporter.scrape(), group), 0);
      } else {
        await exporter.until((page) => {
          assert.equal(spawnSync('sh', ['-c', script]).status, 0);
          return count(page, group) > 0;
        });
      }
    } finally {
      rmdirSync(group);
    }
  }
}
