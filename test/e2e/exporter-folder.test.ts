import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { buildLoad } from '../../bench/kernel/build.ts';
import { possibleCpus } from '../../src/kernel/cpus.ts';
import { version } from '../../src/version.ts';
import { compileMarker } from '../fixtures/compile.ts';
import { until } from '../helpers/deadline.ts';
import { exporterFolder } from '../helpers/exporter-session.ts';
import { MeterProcess, Scrape } from '../helpers/process.ts';
import { hasXdp } from '../kernel/programs/veth.ts';

const root = join(import.meta.dirname, '../..');
const pairs = ['tracepoints', 'user', 'maps', 'packets', 'clock', 'tasks', 'mark', 'lacking'];
const tracefs = ['/sys/kernel/tracing/events', '/sys/kernel/debug/tracing/events'].some((path) => existsSync(path));
const environment = { EBPF_METER_HOST: '127.0.0.1', EBPF_METER_PORT: '0' };

/** The interface that a pair names, and the one that it is connected to. */
function interfaces(): Disposable {
  execFileSync('ip', ['link', 'add', 'ebm-compat', 'type', 'veth', 'peer', 'name', 'ebm-compat1']);
  for (const name of ['ebm-compat', 'ebm-compat1']) {
    writeFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '1');
    execFileSync('ip', ['link', 'set', name, 'up']);
  }
  return { [Symbol.dispose]: () => execFileSync('ip', ['link', 'delete', 'ebm-compat']) };
}

/**
 * The page as it is to be compared: without the exporter's own metrics and what other processes did; numbers that differ
 * from run to run as words; counters' lines in the order of the alphabet.
 */
function comparable(page: string, words: Readonly<Record<string, string>>): string {
  const families = page.split(/^(?=# HELP )/m);
  return families
    .filter((family) => !/^# HELP (ebpf_meter_|process_|nodejs_|ebpf_exporter_libc_)/.test(family))
    .map((family) => {
      const [help, type, ...samples] = family.trimEnd().split('\n');
      const lines = samples
        .map((line) => line.replace(/pid="(\d+)"/, (_, pid) => `pid="${words[pid] ?? 'OTHER'}"`))
        .filter((line) => !line.includes('"OTHER"'))
        .map((line) => line.replace(/leader="\d+"/, 'leader="LOAD"'))
        .map((line) => line.replace(/\bid="\d+"/, 'id="NUMBER"').replace(/tag="[\da-f]+"/, 'tag="TAG"'))
        .map((line) => line.replace(/^(ebpf_exporter_(ticks|cpu_calls)_total\{.*\}) \d+$/, '$1 SOME'))
        .map((line) => line.replace(/^(ebpf_exporter_slot_steps_total\{slot="[01]"\}) \d+$/, '$1 SOME'));
      return [help, type, ...(type!.endsWith(' histogram') ? lines : lines.sort())].map((line) => `${line}\n`).join('');
    })
    .join('');
}

const metric = (type: string, name: string, help: string, ...lines: string[]) =>
  [
    `# HELP ebpf_exporter_${name} ${help}`,
    `# TYPE ebpf_exporter_${name} ${type}`,
    ...lines.map((line) => `ebpf_exporter_${name}${line}`),
  ]
    .map((line) => `${line}\n`)
    .join('');

const bpfPrograms = [
  ...[
    ['clock', 'by_frequency', 1],
    ['clock', 'by_period', 1],
  ],
  ...[
    ['lacking', 'missing_tracepoint', 0],
    ['lacking', 'unknown_section', 0],
    ['lacking', 'traffic', 0],
  ],
  ...[
    ['lacking', 'traffic_of_cgroups', 0],
    ['lacking', 'of_socket', 0],
  ],
  ...[
    ['maps', 'count_calls', 1],
    ['mark', 'do_init', 1],
    ['packets', 'count_packets', 1],
    ['tasks', 'dump_tasks', 1],
  ],
  ...[
    ['tracepoints', 'by_raw_tp', 1],
    ['tracepoints', 'by_tp_btf', 1],
  ],
  ...[
    ['tracepoints', 'by_tracepoint', tracefs ? 1 : 0],
    ['tracepoints', 'by_tp', tracefs ? 1 : 0],
  ],
  ...['by_relative_path', 'by_return', 'by_usdt', 'by_path', 'by_library'].map((name) => ['user', name, 1]),
] as const;

const loaded = ['clock', 'lacking', 'maps', 'mark', 'packets', 'tasks', 'tracepoints', 'user'];
const idOf = (config: unknown, program: unknown) =>
  program === 'unknown_section' || config === 'broken' ? `${config}/${program}` : 'NUMBER';

/** 97 calls of getppid by a process, 31 of the marker, 13 packets. */
const expected = [
  metric('counter', 'ticks_total', 'Ticks of the clock of each CPU', '{kind="frequency"} SOME', '{kind="period"} SOME'),
  metric('counter', 'lacking_calls_total', 'What nothing counts', ' 0'),
  metric(
    'counter',
    'leader_calls_total',
    'Calls of getppid by process and by the leader of its threads',
    '{pid="LOAD",leader="LOAD"} 97',
  ),
  metric(
    'counter',
    'cpu_calls_total',
    'Calls of getppid by process and CPU',
    ...Array.from({ length: possibleCpus().indexes }, (_, cpu) => `{pid="LOAD",cpu="${cpu}"} SOME`).sort(),
  ),
  metric('counter', 'weighed_calls_total', 'Calls of getppid by process, three for each', '{pid="LOAD"} 291'),
  metric(
    'counter',
    'slot_steps_total',
    'The first two calls of getppid of each task, two for each',
    ...['{slot="0"} SOME', '{slot="1"} SOME', '{slot="2"} 0'],
  ),
  [
    '# HELP ebpf_exporter_call_size_bytes Sizes that go with calls',
    '# TYPE ebpf_exporter_call_size_bytes histogram',
    ...[
      ['1', 17],
      ['2', 33],
      ['4', 49],
      ['8', 65],
      ['16', 97],
      ['+Inf', 97],
    ].map(([le, count]) => `ebpf_exporter_call_size_bytes_bucket{pid="LOAD",le="${le}"} ${count}`),
    'ebpf_exporter_call_size_bytes_sum{pid="LOAD"} 1009',
    'ebpf_exporter_call_size_bytes_count{pid="LOAD"} 97',
    '',
  ].join('\n'),
  metric('counter', 'marks_total', 'How often the exporter said that all is attached', '{pid="METER"} 1'),
  metric('counter', 'packets_total', 'Packets that came in', ' 13'),
  metric('counter', 'readings_total', 'How often all tasks were gone through', ' READINGS'),
  metric(
    'counter',
    'tracepoint_calls_total',
    'Calls of getppid by kind of tracepoint',
    ...['raw_tp', ...(tracefs ? ['tp'] : []), 'tp_btf', ...(tracefs ? ['tracepoint'] : [])].map(
      (way) => `{pid="LOAD",way="${way}"} 97`,
    ),
  ),
  metric(
    'counter',
    'user_calls_total',
    'Calls by what they were seen by',
    ...['{way="uprobe",value="1"} 11', '{way="uprobe",value="2"} 10', '{way="uprobe",value="3"} 10'],
    ...['{way="uretprobe",value="10"} 11', '{way="uretprobe",value="20"} 10', '{way="uretprobe",value="30"} 10'],
    ...['{way="usdt",value="1"} 11', '{way="usdt",value="2"} 10', '{way="usdt",value="3"} 10'],
  ),
  metric(
    'gauge',
    'build_info',
    'Always 1; the version of ebpf-meter, where ebpf_exporter has its own',
    `{version="${version}",revision="",branch="",goversion=""} 1`,
  ),
  metric(
    'gauge',
    'enabled_configs',
    'Always 1; programs that run, by the name of their file',
    ...loaded.map((name) => `{name="${name}"} 1`),
  ),
  metric(
    'counter',
    'decoder_errors_total',
    'Readings of metrics that lack keys since a label of these could not be decoded',
    ...loaded.map((name) => `{config="${name}"} 0`),
  ),
  metric(
    'gauge',
    'ebpf_program_info',
    'Always 1; the names of a BPF program, and its tag and id as bpftool shows them',
    ...[...bpfPrograms, ['broken', '', 0] as const]
      .map(([config, program]) => {
        const id = idOf(config, program);
        return `{config="${config}",program="${program}",tag="${id === 'NUMBER' ? 'TAG' : ''}",id="${id}"} 1`;
      })
      .sort(),
  ),
  metric(
    'gauge',
    'ebpf_program_attached',
    '1 where a BPF program is attached, 0 where it should be and is not',
    ...[...bpfPrograms, ['broken', '', 0] as const]
      .map(([config, program, attached]) => `{id="${idOf(config, program)}"} ${attached}`)
      .sort(),
  ),
].join('');

describe("a folder of ebpf_exporter's pairs", () => {
  it('gives its page, though one cannot be loaded, and ends with 0', async () => {
    using folder = exporterFolder(pairs);
    using _ = interfaces();
    compileMarker(join(folder.path, 'marker'), { fixed: false });
    copyFileSync(join(folder.path, 'marker'), join(folder.path, 'ebm-marker'));
    writeFileSync(
      join(folder.path, 'broken.yaml'),
      'metrics: {counters: [{name: broken_total, help: x, labels: [{name: pid, size: 4, decoders: [{name: uint}]}]}]}',
    );
    writeFileSync(join(folder.path, 'broken.bpf.o'), 'no ELF');

    const config = join(root, 'config/ebpf-exporter.yaml');
    const env = { ...environment, PATH: `${process.env.PATH}:${folder.path}` };
    const args = ['--config', config, '--no-shipped', '--programs', folder.path];
    await using meter = new MeterProcess(args, env, { cwd: folder.path });
    await meter.logged(/ INFO {2}running after /);
    const [, url] = await meter.logged(/ metrics: (http:\S+\/metrics)/);
    assert.match(meter.stderr, /WARN .*broken\.bpf\.o: /);

    const load = spawnSync(buildLoad('load'), ['getppid', '97']);
    assert.equal(load.status, 0);
    execFileSync('./marker', ['31'], { cwd: folder.path });
    execFileSync(buildLoad('network'), ['frame', '13', 'ebm-compat1', '0']);
    const page = async () => (await fetch(url!)).text();
    let text = '';
    let readings = 1;
    await until(async () => {
      text = await page();
      readings++;
      return /^ebpf_exporter_packets_total 13$/m.test(text) && !/^ebpf_exporter_ticks_total\{.*\} 0$/m.test(text);
    });
    const words = { [load.pid]: 'LOAD', [meter.child.pid!]: 'METER' };
    assert.equal(comparable(text, words), expected.replace('READINGS', String(readings)));
    const scrape = new Scrape(text);
    assert.equal(scrape.total('ebpf_exporter_cpu_calls_total', { pid: String(load.pid) }), 97);

    assert.ok(hasXdp('ebm-compat'));
    const { status, stderr } = await meter.stop('SIGTERM');
    assert.equal(status, 0);
    assert.match(stderr, /SIGTERM: ending\n$/);
    assert.ok(!hasXdp('ebm-compat'));
  });
});
