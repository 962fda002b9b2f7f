import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { callGetppid, getppid } from '../fixtures/plan.ts';
import { RunningMeter } from '../helpers/process.ts';
import { programFolder } from '../helpers/program-folder.ts';

const constants = `constants: {wanted_pid: ${process.pid}, wanted_call: ${getppid}}`;

/** As ebpf_exporter has it, but for `constants`, by which the fixture knows whose calls it counts. */
const exporterStyle = `
${constants}
metrics:
  counters:
    - name: getppid_calls_total
      help: Calls of getppid
      labels:
        - name: number
          size: 4
          decoders:
            - name: uint
        - name: parity
          size: 1
          decoders:
            - name: uint
            - name: static_map
              static_map:
                0: even
                1: odd
        - name: letter
          size: 11
          decoders:
            - name: string
            - name: regexp
              regexps:
                - ^call-([ab])$
                - ^call-(.)$
    - name: getppid_by_slot
      help: Calls of getppid by an index
      labels:
        - name: slot
          size: 4
          decoders:
            - name: uint
  histograms:
    - name: getppid_size_bytes
      help: Sizes in buckets of powers of two
      bucket_type: exp2
      bucket_min: 0
      bucket_max: 6
      labels:
        - name: device
          size: 4
          decoders:
            - name: uint
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
    - name: getppid_time_seconds
      help: Times in microseconds
      bucket_type: exp2
      bucket_min: 0
      bucket_max: 26
      bucket_multiplier: 0.000001
      labels:
        - name: bucket
          size: 8
          decoders:
            - name: uint
`;

/** 23 calls; the first one's text is dropped by the regexps. */
const exporterPage = `# HELP x_getppid_by_slot_total Calls of getppid by an index
# TYPE x_getppid_by_slot_total counter
x_getppid_by_slot_total{slot="0"} 8
x_getppid_by_slot_total{slot="1"} 8
x_getppid_by_slot_total{slot="2"} 7
# HELP x_getppid_calls_total Calls of getppid
# TYPE x_getppid_calls_total counter
x_getppid_calls_total{number="0",parity="even",letter="a"} 3
x_getppid_calls_total{number="0",parity="odd",letter="a"} 4
x_getppid_calls_total{number="1",parity="even",letter="b"} 4
x_getppid_calls_total{number="1",parity="odd",letter="b"} 4
x_getppid_calls_total{number="2",parity="even",letter="c"} 4
x_getppid_calls_total{number="2",parity="odd",letter="c"} 3
# HELP x_getppid_size_bytes Sizes in buckets of powers of two
# TYPE x_getppid_size_bytes histogram
x_getppid_size_bytes_bucket{device="7",operation="read",le="1"} 2
x_getppid_size_bytes_bucket{device="7",operation="read",le="2"} 3
x_getppid_size_bytes_bucket{device="7",operation="read",le="4"} 5
x_getppid_size_bytes_bucket{device="7",operation="read",le="8"} 6
x_getppid_size_bytes_bucket{device="7",operation="read",le="16"} 8
x_getppid_size_bytes_bucket{device="7",operation="read",le="32"} 9
x_getppid_size_bytes_bucket{device="7",operation="read",le="64"} 12
x_getppid_size_bytes_bucket{device="7",operation="read",le="+Inf"} 12
x_getppid_size_bytes_sum{device="7",operation="read"} 532
x_getppid_size_bytes_count{device="7",operation="read"} 12
x_getppid_size_bytes_bucket{device="7",operation="write",le="1"} 1
x_getppid_size_bytes_bucket{device="7",operation="write",le="2"} 3
x_getppid_size_bytes_bucket{device="7",operation="write",le="4"} 4
x_getppid_size_bytes_bucket{device="7",operation="write",le="8"} 6
x_getppid_size_bytes_bucket{device="7",operation="write",le="16"} 7
x_getppid_size_bytes_bucket{device="7",operation="write",le="32"} 8
x_getppid_size_bytes_bucket{device="7",operation="write",le="64"} 11
x_getppid_size_bytes_bucket{device="7",operation="write",le="+Inf"} 11
x_getppid_size_bytes_sum{device="7",operation="write"} 521
x_getppid_size_bytes_count{device="7",operation="write"} 11
# HELP x_getppid_time_seconds Times in microseconds
# TYPE x_getppid_time_seconds histogram
x_getppid_time_seconds_bucket{le="1e-06"} 0
x_getppid_time_seconds_bucket{le="2e-06"} 1
x_getppid_time_seconds_bucket{le="4e-06"} 2
x_getppid_time_seconds_bucket{le="8e-06"} 3
x_getppid_time_seconds_bucket{le="1.6e-05"} 4
x_getppid_time_seconds_bucket{le="3.2e-05"} 5
x_getppid_time_seconds_bucket{le="6.4e-05"} 6
x_getppid_time_seconds_bucket{le="0.000128"} 7
x_getppid_time_seconds_bucket{le="0.000256"} 8
x_getppid_time_seconds_bucket{le="0.000512"} 9
x_getppid_time_seconds_bucket{le="0.001024"} 10
x_getppid_time_seconds_bucket{le="0.002048"} 11
x_getppid_time_seconds_bucket{le="0.004096"} 12
x_getppid_time_seconds_bucket{le="0.008192"} 13
x_getppid_time_seconds_bucket{le="0.016384"} 14
x_getppid_time_seconds_bucket{le="0.032768"} 15
x_getppid_time_seconds_bucket{le="0.065536"} 16
x_getppid_time_seconds_bucket{le="0.131072"} 17
x_getppid_time_seconds_bucket{le="0.262144"} 18
x_getppid_time_seconds_bucket{le="0.524288"} 19
x_getppid_time_seconds_bucket{le="1.048576"} 20
x_getppid_time_seconds_bucket{le="2.097152"} 21
x_getppid_time_seconds_bucket{le="4.194304"} 22
x_getppid_time_seconds_bucket{le="8.388608"} 23
x_getppid_time_seconds_bucket{le="16.777216"} 23
x_getppid_time_seconds_bucket{le="33.554432"} 23
x_getppid_time_seconds_bucket{le="67.108864"} 23
x_getppid_time_seconds_bucket{le="+Inf"} 23
x_getppid_time_seconds_sum 16.777214
x_getppid_time_seconds_count 23
`;

const nativeStyle = `
description: Every way to hold numbers
${constants}
maps:
  io:
    cache: io_cache
    labels:
      - {name: system.device, field: device}
  calls:
    per_cpu: cpu.number
    labels: [{name: kind}]
  table:
    index: [side, place]
    labels:
      - {name: side, decoders: [{name: uint}, {name: static_map, static_map: {0: left, 1: right}}]}
metrics:
  counters:
    - {name: io.requests, unit: '{request}', help: Requests, map: io, field: requests}
    - {name: calls, unit: '{call}', help: Calls by CPU}
    - {name: hits, unit: '{hit}', help: Hits of a table, map: table, needs: {constants: [enable_table], programs: [count_table]}}
  gauges:
    - {name: level, unit: By, help: May be negative}
  histograms:
    - {name: io.size, unit: By, help: Sizes, map: io, field: size}
    - {name: io.depth, help: Without a sum, map: io, slots: depth.slots, bucket_type: linear, bucket_min: 1, bucket_multiplier: 2}
`;

/** A series' samples, whatever the order of the series. */
function sorted(lines: string): string[] {
  return lines.split('\n').toSorted();
}

function pin(cpu: string): void {
  const { status, stderr } = spawnSync('taskset', ['-pc', cpu, String(process.pid)], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

function allowedCpus(): string {
  return /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!;
}

describe('formats of programs', () => {
  it('one that was made for ebpf_exporter runs as it is', async () => {
    using folder = programFolder({ pair: { yaml: exporterStyle, object: 'exporter-style' } });
    await using meter = await RunningMeter.start(['--no-shipped', '--programs', folder.path, '--namespace', 'x']);
    callGetppid(23);
    const scrape = await meter.scrape();
    assert.deepEqual(sorted(scrape.linesOf('x_')), sorted(exporterPage));
    // What one series has stands in this order.
    assert.ok(scrape.text.includes(exporterPage.slice(exporterPage.indexOf('# HELP x_getppid_time'))));
    assert.equal(scrape.total('ebpf_meter_decode_errors_total'), 0);
  });

  it('what BTF tells, a cache, indexes, CPUs, a gauge, and several metrics of one map', async () => {
    using folder = programFolder({ native: { yaml: nativeStyle, object: 'native-style' } });
    await using meter = await RunningMeter.start(['--no-shipped', '--programs', folder.path]);
    const allowed = allowedCpus();
    const last = /\d+$/.exec(allowed)![0];
    pin(last);
    // Devices 0 to 12 have 9 requests each, the other 54 have 8.
    callGetppid(549);
    pin(allowed);
    const scrape = await meter.scrape();

    const requests = scrape.page.families.get('ebpf_io_requests_total')!.samples;
    const expected = Array.from({ length: 67 }, (_, device) => [`${device} OPERATION_WRITE`, device < 13 ? 9 : 8]);
    const found = requests.map(({ labels, value }) => [`${labels.system_device} ${labels.operation}`, value] as const);
    assert.deepEqual(
      found.toSorted(([one], [other]) => Number.parseInt(one, 10) - Number.parseInt(other, 10)),
      expected,
    );
    assert.ok(scrape.total('ebpf_meter_map_entries', { map: 'io' }) > 0, 'none is behind the cache');
    assert.ok(scrape.total('ebpf_meter_map_entries', { map: 'io' }) < 67, 'none is in the cache');

    // The calls 3, 70, 137 … 539 of device 3, 512 bytes each: 1536, 35840, 70144 … 275968.
    const device3 = '{system_device="3",operation="OPERATION_WRITE"';
    const lines = scrape
      .linesOf('ebpf_io_')
      .split('\n')
      .filter((line) => line.includes(device3));
    assert.deepEqual(
      lines.filter((line) =>
        /size_bytes_bucket.*le="(1024|2048|32768|65536|131072|262144|524288|3.3554432e\+07|\+Inf)"/.test(line),
      ),
      [
        ['1024', 0],
        ['2048', 1],
        ['32768', 1],
        ['65536', 2],
        ['131072', 4],
        ['262144', 8],
        ['524288', 9],
        ['3.3554432e+07', 9],
        ['+Inf', 9],
      ].map(([le, count]) => `ebpf_io_size_bytes_bucket${device3},le="${le}"} ${count}`),
    );
    assert.equal(scrape.total('ebpf_io_size_bytes_sum', { system_device: '3' }), 512 * (3 * 9 + 67 * 36));
    // 3, 70, 137 … modulo 4: 3, 2, 1, 0, 3, 2, 1, 0, 3.
    assert.equal(
      lines.filter((line) => line.startsWith('ebpf_io_depth')).join('\n'),
      `ebpf_io_depth_bucket${device3},le="2"} 2
ebpf_io_depth_bucket${device3},le="4"} 4
ebpf_io_depth_bucket${device3},le="6"} 6
ebpf_io_depth_bucket${device3},le="+Inf"} 9
ebpf_io_depth_count${device3}} 9`,
    );

    const calls = scrape.page.families.get('ebpf_calls_total')!.samples;
    for (const { labels, value } of calls) {
      assert.equal(labels.kind, '1');
      assert.equal(value, labels.cpu_number === last ? 549 : 0, `CPU ${labels.cpu_number}`);
    }
    assert.equal(scrape.total('ebpf_calls_total'), 549);
    assert.equal(
      scrape.linesOf('ebpf_level'),
      '# HELP ebpf_level_bytes May be negative\n# TYPE ebpf_level_bytes gauge\nebpf_level_bytes -538\n',
    );
    assert.equal(
      scrape.linesOf('ebpf_hits'),
      '# HELP ebpf_hits_total Hits of a table\n# TYPE ebpf_hits_total counter\nebpf_hits_total{side="right",place="2"} 549\n',
    );
  });

  it('a metric that the configuration leaves out costs no program in the kernel', async () => {
    using folder = programFolder({ native: { yaml: nativeStyle, object: 'native-style' } });
    const config = folder.file(
      'meter.config',
      `file_format: "1.1"
distribution:
  ebpf_meter:
    directories: [.]
    shipped: false
    programs: {native: {metrics: [level], constants: {wanted_pid: ${process.pid}}}}
`,
    );
    await using meter = await RunningMeter.start(['--config', config]);
    callGetppid(23);
    const scrape = await meter.scrape();
    assert.deepEqual(
      [...scrape.page.families.keys()].filter((name) => !name.startsWith('ebpf_meter_') && name.startsWith('ebpf_')),
      ['ebpf_level_bytes'],
    );
    assert.equal(scrape.total('ebpf_level_bytes'), -12);
    const attached = scrape.page.families.get('ebpf_meter_program_attached')!.samples;
    assert.deepEqual(
      attached.map(({ labels, value }) => [labels.bpf_program, value]),
      [['count_all', 1]],
    );
  });
});
