import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buildLoad } from '../../../bench/kernel/build.ts';
import type { ExporterConfig } from '../../../src/config/exporter/configuration.ts';
import { possibleCpus } from '../../../src/kernel/cpus.ts';
import { compileMarker } from '../../fixtures/compile.ts';
import { callGetppid } from '../../fixtures/plan.ts';
import { until } from '../../helpers/deadline.ts';
import { type ExporterSession, runExporter } from '../../helpers/exporter-session.ts';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import { noFunctions } from './file-system.ts';
import { hasXdp } from './veth.ts';

const folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-pairs-'));
after(() => rmSync(folder, { recursive: true }));

const tracefs = ['/sys/kernel/tracing/events', '/sys/kernel/debug/tracing/events'].some((path) => existsSync(path));
const noTaskStorage = !isKernelSince(5, 11) && 'this kernel has no storage of tasks';
/** By an attachment's cookie, libbpf finds a marker in a binary that may be mapped anywhere. */
const hasCookies = isKernelSince(5, 15);
const { pid } = process;

/** The metric's lines of this process, in the order of the alphabet. */
async function own(session: ExporterSession, metric: string): Promise<string[]> {
  const lines = await session.lines(`${metric}{`);
  return lines.filter((line) => line.includes(`{pid="${pid}"`)).sort();
}

/** Of a metric without labels. */
async function value(session: ExporterSession, metric: string): Promise<number> {
  return Number(new RegExp(`^${metric} (\\d+)$`, 'm').exec(await session.page())![1]);
}

test('each kind of tracepoint counts the same', async () => {
  await using session = await runExporter(['tracepoints']);
  callGetppid(97);
  const metric = 'ebpf_exporter_tracepoint_calls_total';
  const ways = ['raw_tp', ...(tracefs ? ['tp'] : []), 'tp_btf', ...(tracefs ? ['tracepoint'] : [])];
  assert.deepEqual(
    await own(session, metric),
    ways.map((way) => `${metric}{pid="${pid}",way="${way}"} 97`),
  );
  assert.deepEqual((await session.lines(metric)).slice(0, 2), [
    `# HELP ${metric} Calls of getppid by kind of tracepoint`,
    `# TYPE ${metric} counter`,
  ]);
});

test('each kind of probe of a function counts the same', { skip: noFunctions }, async () => {
  await using session = await runExporter(['functions']);
  callGetppid(97);
  for (let call = 0; call < 97; call++) getPriority();
  const metric = 'ebpf_exporter_function_calls_total';
  // Debian's kernels have what it takes since then.
  const multi = isKernelSince(6, 12) ? ['kprobe.multi'] : [];
  const ways = ['fentry', 'fexit', 'kprobe', ...multi, 'kretprobe', 'kretsyscall', 'ksyscall'];
  assert.deepEqual(
    await own(session, metric),
    ways.map((way) => `${metric}{pid="${pid}",way="${way}"} 97`),
  );
});

test('functions and markers of user space are found as libbpf does, and by the working directory', async () => {
  const [path, folders] = [process.cwd(), process.env.PATH];
  compileMarker(join(folder, 'marker'), { fixed: true });
  mkdirSync(join(folder, 'bin'));
  copyFileSync(join(folder, 'marker'), join(folder, 'bin', 'ebm-marker'));
  process.chdir(folder);
  process.env.PATH = `${folders}:${join(folder, 'bin')}`;
  try {
    await using session = await runExporter(['user']);
    assert.match(session.log, /user: attached 5 of 5/);
    execFileSync('./marker', ['31']);
    execFileSync('ebm-marker', ['4']);
    callGetppid(89);
    const metric = 'ebpf_exporter_user_calls_total';
    assert.deepEqual((await session.lines(`${metric}{`)).sort(), [
      `${metric}{way="PATH",value="1"} 2`,
      `${metric}{way="PATH",value="2"} 1`,
      `${metric}{way="PATH",value="3"} 1`,
      `${metric}{way="uprobe",value="1"} 11`,
      `${metric}{way="uprobe",value="2"} 10`,
      `${metric}{way="uprobe",value="3"} 10`,
      `${metric}{way="uretprobe",value="10"} 11`,
      `${metric}{way="uretprobe",value="20"} 10`,
      `${metric}{way="uretprobe",value="30"} 10`,
      `${metric}{way="usdt",value="1"} 11`,
      `${metric}{way="usdt",value="2"} 10`,
      `${metric}{way="usdt",value="3"} 10`,
    ]);
    const library = 'ebpf_exporter_libc_getppid_calls_total';
    assert.deepEqual(await own(session, library), [`${library}{pid="${pid}"} 89`]);
  } finally {
    process.chdir(path);
    process.env.PATH = folders;
  }
});

test('a marker of a binary that may be mapped anywhere counts the same, where attachments have cookies', async () => {
  const path = process.cwd();
  compileMarker(join(folder, 'marker'), { fixed: false });
  process.chdir(folder);
  try {
    await using session = await runExporter(['user']);
    const refused = /user: by_usdt: EOPNOTSUPP .*usdt: attaching to shared libraries without specific PID/;
    assert.equal(refused.test(session.log), !hasCookies, session.log);
    execFileSync('./marker', ['31']);
    const metric = 'ebpf_exporter_user_calls_total';
    assert.deepEqual(
      (await session.lines(`${metric}{`)).filter((line) => /value="1"/.test(line)).sort(),
      ['uprobe', ...(hasCookies ? ['usdt'] : [])].map((way) => `${metric}{way="${way}",value="1"} 11`),
    );
  } finally {
    process.chdir(path);
  }
});

test('maps of every kind, and types of vmlinux.h', { skip: noTaskStorage }, async () => {
  await using session = await runExporter(['maps']);
  callGetppid(97);
  const leaders = 'ebpf_exporter_leader_calls_total';
  assert.deepEqual(await own(session, leaders), [`${leaders}{pid="${pid}",leader="${pid}"} 97`]);
  const weighed = 'ebpf_exporter_weighed_calls_total';
  assert.deepEqual(await own(session, weighed), [`${weighed}{pid="${pid}"} 291`]);
  const size = 'ebpf_exporter_call_size_bytes';
  assert.deepEqual(
    (await session.lines(size)).filter((line) => line.startsWith('#') || line.includes(`pid="${pid}"`)),
    [
      `# HELP ${size} Sizes that go with calls`,
      `# TYPE ${size} histogram`,
      `${size}_bucket{pid="${pid}",le="1"} 17`,
      `${size}_bucket{pid="${pid}",le="2"} 33`,
      `${size}_bucket{pid="${pid}",le="4"} 49`,
      `${size}_bucket{pid="${pid}",le="8"} 65`,
      `${size}_bucket{pid="${pid}",le="16"} 97`,
      `${size}_bucket{pid="${pid}",le="+Inf"} 97`,
      `${size}_sum{pid="${pid}"} 1009`,
      `${size}_count{pid="${pid}"} 97`,
    ],
  );
  const byCpu = await own(session, 'ebpf_exporter_cpu_calls_total');
  assert.deepEqual(
    byCpu.map((line) => /cpu="(\d+)"/.exec(line)![1]).sort(),
    Array.from({ length: possibleCpus().indexes }, (_, cpu) => String(cpu)).sort(),
  );
  assert.equal(
    byCpu.reduce((sum, line) => sum + Number(/ (\d+)$/.exec(line)![1]), 0),
    97,
  );
  const steps = await session.lines('ebpf_exporter_slot_steps_total{');
  // Other processes count there too.
  assert.deepEqual(
    steps.map((line) => line.replace(/ \d*[02468]$/, ' even')),
    [0, 1, 2].map((slot) => `ebpf_exporter_slot_steps_total{slot="${slot}"} even`),
  );
  assert.equal(steps[2], 'ebpf_exporter_slot_steps_total{slot="2"} 0');
});

test('labels that are no UTF-8, or alike when they are joined', async () => {
  await using session = await runExporter(['labels']);
  const { title } = process;
  // A name has 15 bytes, and the last character needs two.
  process.title = `${'x'.repeat(14)}é`;
  try {
    callGetppid(97);
  } finally {
    process.title = title;
  }
  const names = 'ebpf_exporter_named_calls_total';
  assert.deepEqual(await own(session, names), [`${names}{pid="${pid}",comm="${'x'.repeat(14)}\ufffdc3"} 97`]);
  assert.deepEqual((await session.lines('ebpf_exporter_pairs_total{')).sort(), [
    'ebpf_exporter_pairs_total{first="a",second="b|c"} 5',
    'ebpf_exporter_pairs_total{first="a|b",second="c"} 3',
  ]);
});

test('a cgroup carries its counter', {
  skip: !isKernelSince(6, 2) && 'this kernel has no storage of cgroups',
}, async () => {
  await using session = await runExporter(['cgroup_storage']);
  callGetppid(97);
  const [line = ''] = await session.lines('ebpf_exporter_cgroup_calls_total{');
  const [, path, count] = /^ebpf_exporter_cgroup_calls_total\{cgroup="(\/sys\/fs\/cgroup[^"]*)"\} (\d+)$/.exec(line)!;
  const mine = readFileSync('/proc/self/cgroup', 'utf8').match(/^0::(.*)$/m)![1]!;
  assert.ok(path!.endsWith(mine.replace(/\/$/, '')), `${path} ${mine}`);
  assert.ok(Number(count) >= 97);
});

test('packets of the interface that the section names', async () => {
  ip('link', 'add', 'ebm-compat', 'type', 'veth', 'peer', 'name', 'ebm-compat1');
  try {
    for (const name of ['ebm-compat', 'ebm-compat1']) {
      writeFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '1');
      ip('link', 'set', name, 'up');
    }
    {
      await using session = await runExporter(['packets']);
      assert.ok(hasXdp('ebm-compat'));
      assert.deepEqual(await session.lines('ebpf_exporter_packets_total'), [
        '# HELP ebpf_exporter_packets_total Packets that came in',
        '# TYPE ebpf_exporter_packets_total counter',
        'ebpf_exporter_packets_total 0',
      ]);
      execFileSync(buildLoad('network'), ['frame', '13', 'ebm-compat1', '0']);
      const count = () => value(session, 'ebpf_exporter_packets_total');
      await until(async () => (await count()) >= 13);
      assert.equal(await count(), 13);
    }
    assert.ok(!hasXdp('ebm-compat'));
  } finally {
    ip('link', 'delete', 'ebm-compat');
  }
});

test('perf events tick by frequency and by period, on every CPU', async () => {
  await using session = await runExporter(['clock']);
  assert.match(session.log, /clock: attached 2 of 2/);
  const ticks = async () => (await session.lines('ebpf_exporter_ticks_total{')).map((line) => line.split(' '));
  const some = async () => (await ticks()).every(([, count]) => Number(count) > 10);
  await until(some);
  assert.ok(await some());
  assert.deepEqual(
    (await ticks()).map(([name]) => name),
    ['ebpf_exporter_ticks_total{kind="frequency"}', 'ebpf_exporter_ticks_total{kind="period"}'],
  );
});

test('an iterator is run before each reading', async () => {
  await using session = await runExporter(['tasks']);
  const count = () => value(session, 'ebpf_exporter_readings_total');
  const first = await count();
  assert.ok(first >= 1);
  assert.equal(await count(), first + 1);
});

test('traces that nobody reads leave room for others, so that what is counted with them goes on', {
  skip: !isKernelSince(5, 8) && 'this kernel has no ring buffers',
}, async () => {
  await using session = await runExporter(['traced']);
  assert.match(session.log, /traced\.yaml:1:1: "tracing": traces are not exported, only the metrics of this file\n/);
  const metric = 'ebpf_exporter_traced_calls_total';
  // There is room for some 1,600.
  callGetppid(997);
  assert.deepEqual(await own(session, metric), [`${metric}{pid="${pid}"} 997`]);
  const count = async () => Number((await own(session, metric))[0]!.split(' ')[1]);
  await until(async () => {
    callGetppid(97);
    return (await count()) >= 5000;
  });
  assert.ok((await count()) >= 5000);
});

test('programs are told once that all are attached', async () => {
  await using session = await runExporter(['mark', 'tracepoints']);
  const metric = 'ebpf_exporter_marks_total';
  for (let scrape = 0; scrape < 2; scrape++) {
    assert.deepEqual(await session.lines(metric), [
      `# HELP ${metric} How often the exporter said that all is attached`,
      `# TYPE ${metric} counter`,
      `${metric}{pid="${pid}"} 1`,
    ]);
  }
});

test('what cannot be attached is said, and leaves the others', async () => {
  await using session = await runExporter(['lacking', 'mark']);
  assert.match(session.log, /lacking: attached 0 of 5\n/);
  assert.match(session.log, /missing_tracepoint: ENOENT .*ebm_missing/);
  assert.match(session.log, /unknown_section: section "ebm\/unknown": unknown to this libbpf and to ebpf-meter\n/);
  assert.match(session.log, /traffic: EOPNOTSUPP .*: the section "tc" doesn't say what to attach to\n/);
  assert.match(session.log, /mark: attached 1 of 1/);
  assert.match(await session.page(), /^ebpf_exporter_lacking_calls_total 0$/m);
  const attached = await session.lines('ebpf_exporter_ebpf_program_attached{');
  assert.deepEqual(
    attached.map((line) => line.replace(/"\d+"/, '"NUMBER"')),
    [
      'ebpf_exporter_ebpf_program_attached{id="NUMBER"} 0',
      'ebpf_exporter_ebpf_program_attached{id="lacking/unknown_section"} 0',
      ...[1, 2, 3].map(() => 'ebpf_exporter_ebpf_program_attached{id="NUMBER"} 0'),
      'ebpf_exporter_ebpf_program_attached{id="NUMBER"} 1',
    ],
  );
});

test("programs are fitted to a file's types in place of the kernel's", { skip: noTaskStorage }, async () => {
  const types = join(folder, 'types.btf');
  copyFileSync('/sys/kernel/btf/vmlinux', types);
  {
    await using session = await runExporter(['maps'], { btfPath: types });
    callGetppid(13);
    const metric = 'ebpf_exporter_leader_calls_total';
    assert.deepEqual(await own(session, metric), [`${metric}{pid="${pid}",leader="${pid}"} 13`]);
  }
  writeFileSync(types, 'no BTF');
  await assert.rejects(runExporter(['maps'], { btfPath: types }), {
    code: 'config',
    message: /types\.btf: BTF: only 6 bytes/,
  });
  await assert.rejects(runExporter(['maps'], { btfPath: `${types}.missing` }), {
    code: 'config',
    message: `${types}.missing: no such file`,
  });
});

test("programs' run time is told while the kernel measures it", { skip: noTaskStorage }, async () => {
  const lines = async (settings: Partial<ExporterConfig>) => {
    await using session = await runExporter(['maps'], settings);
    const [info = ''] = await session.lines('ebpf_exporter_ebpf_program_info{');
    const { id } = /^\S+\{config="maps",program="count_calls",tag="[\da-f]{16}",id="(?<id>\d+)"\} 1$/.exec(info)!
      .groups!;
    const all = await session.lines('ebpf_exporter_');
    return all
      .filter((line) => /_(configs|attached|run_\w+|errors_total)\{/.test(line))
      .map((line) => line.replace(id!, 'ID'));
  };
  const always = [
    'ebpf_exporter_enabled_configs{name="maps"} 1',
    'ebpf_exporter_decoder_errors_total{config="maps"} 0',
    'ebpf_exporter_ebpf_program_attached{id="ID"} 1',
  ];
  const measured = await lines({ bpfStats: true });
  assert.deepEqual(measured.slice(0, 3), always);
  assert.match(measured[3]!, /^ebpf_exporter_ebpf_program_run_time_seconds\{id="ID"\} (?!0$)\d[\d.e-]*$/);
  assert.match(measured[4]!, /^ebpf_exporter_ebpf_program_run_count_total\{id="ID"\} [1-9]\d*$/);
  if (readFileSync('/proc/sys/kernel/bpf_stats_enabled', 'utf8').trim() === '0')
    assert.deepEqual(await lines({}), always);
});

function ip(...args: readonly string[]): void {
  execFileSync('ip', args);
}
