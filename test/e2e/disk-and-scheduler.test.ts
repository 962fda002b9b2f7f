import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { loopDevice } from '../../bench/kernel/loop-device.ts';
import { RunningMeter } from '../helpers/process.ts';
import { findPromtool } from '../helpers/promtool.ts';

/** Primes, so that nothing comes out right by chance. */
const reads = { count: 23, bytes: 4096 };
const writes = { count: 31, bytes: 65536 };

/** A number of /proc/stat, whose lines begin with its name: since boot, of all CPUs. */
function sinceBoot(name: 'ctxt' | 'processes'): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(readFileSync('/proc/stat', 'utf8'))![1]);
}

function dd(...options: string[]): void {
  execFileSync('dd', [...options, 'status=none']);
}

describe('the default programs on this machine', () => {
  let meter: RunningMeter;

  before(async () => {
    meter = await RunningMeter.start([]);
  });

  after(() => meter[Symbol.asyncDispose]());

  it('are attached all', async () => {
    const { samples } = (await meter.scrape()).page.families.get('ebpf_meter_program_attached')!;
    const missing = samples.filter(({ value }) => value !== 1);
    assert.deepEqual(missing, [], meter.stderr);
    // Those whose every hook is a tracepoint or an iterator, which all kernels have.
    const programs = [
      'block',
      'drop',
      'irq',
      'memory',
      'page_cache',
      'sched',
      'tcp_listener',
      'timer',
      'udp',
      'workqueue',
    ];
    const attached = new Set(samples.map(({ labels }) => labels.program!));
    assert.deepEqual(
      programs.filter((name) => !attached.has(name)),
      [],
    );
    for (const name of ['syscall', 'lock', 'xdp']) assert.ok(!attached.has(name), `${name} is expensive`);
  });

  it('count each request of a disk, its size, and how long it took', async () => {
    using device = loopDevice(4 << 20);
    const start = performance.now();
    dd(`if=${device.path}`, 'of=/dev/null', `bs=${reads.bytes}`, `count=${reads.count}`, 'iflag=direct');
    dd('if=/dev/zero', `of=${device.path}`, `bs=${writes.bytes}`, `count=${writes.count}`, 'oflag=direct');
    const seconds = (performance.now() - start) / 1000;
    const scrape = await meter.scrape();

    for (const [direction, { count, bytes }] of Object.entries({ read: reads, write: writes })) {
      const labels = { system_device: device.name, disk_io_direction: direction };
      const size = (part: string, le = {}) => scrape.total(`ebpf_block_io_size_bytes_${part}`, { ...labels, ...le });
      assert.deepEqual(
        {
          count: size('count'),
          sum: size('sum'),
          below: size('bucket', { le: String(bytes / 2) }),
          within: size('bucket', { le: String(bytes) }),
        },
        { count, sum: count * bytes, below: 0, within: count },
        direction,
      );
      assert.equal(scrape.total('ebpf_block_io_latency_seconds_count', labels), count);
      // One after the other, since dd waits for each.
      const latency = scrape.total('ebpf_block_io_latency_seconds_sum', labels);
      assert.ok(latency > 0 && latency < seconds, `${latency} s of ${seconds} s`);
    }
  });

  it('count the switches of tasks that the kernel counts', async () => {
    const switches = async () => (await meter.scrape()).total('ebpf_sched_context_switches_total');
    const outerStart = sinceBoot('ctxt');
    const start = await switches();
    const innerStart = sinceBoot('ctxt');
    for (let i = 0; i < 23; i++) spawnSync('true');
    const innerEnd = sinceBoot('ctxt');
    const end = await switches();
    const outerEnd = sinceBoot('ctxt');

    const counted = end - start;
    assert.ok(counted >= innerEnd - innerStart, `${counted} of ${innerEnd - innerStart}`);
    assert.ok(counted <= outerEnd - outerStart, `${counted} of ${outerEnd - outerStart}`);
  });

  it('tell how long tasks wait for a CPU, and no more often than CPUs change tasks', async () => {
    const start = await meter.scrape();
    for (let i = 0; i < 23; i++) spawnSync('true');
    const end = await meter.scrape();

    const grown = (name: string) => end.total(name) - start.total(name);
    const waits = grown('ebpf_sched_runqueue_latency_seconds_count');
    // Each of them at least started once.
    assert.ok(waits >= 23, `${waits}`);
    assert.ok(waits <= grown('ebpf_sched_context_switches_total'), `${waits}`);
    assert.ok(grown('ebpf_sched_runqueue_latency_seconds_sum') > 0);
  });

  it('count processes that start and how they end', async () => {
    const outerStart = sinceBoot('processes');
    const start = await meter.scrape();
    for (let i = 0; i < 23; i++) spawnSync('true');
    for (let i = 0; i < 7; i++) spawnSync('false');
    for (let i = 0; i < 5; i++) spawnSync('sh', ['-c', 'kill -9 $$']);
    const end = await meter.scrape();
    const outerEnd = sinceBoot('processes');

    const grown = (name: string, labels?: Record<string, string>) =>
      end.total(name, labels) - start.total(name, labels);
    const exits = (kind: string) => grown('ebpf_process_exits_total', { process_exit_class: kind });
    const forks = grown('ebpf_process_forks_total');
    // Others may start processes too; the kernel's own number has threads in it.
    assert.ok(forks >= 35 && forks <= outerEnd - outerStart, `${forks} of ${outerEnd - outerStart}`);
    assert.ok(grown('ebpf_process_execs_total') >= 35);
    assert.ok(exits('success') >= 23);
    assert.ok(exits('error') >= 7);
    assert.ok(exits('signal') >= 5);
  });

  it('make a page that promtool has no complaint about', async (t) => {
    const promtool = findPromtool();
    if ('missing' in promtool) {
      assert.notEqual(process.env.CI, 'true', promtool.missing);
      console.error(`promtool has not read the page: ${promtool.missing}`);
      return t.skip(promtool.missing);
    }
    const page = await meter.text({ 'accept-encoding': 'gzip' });
    const { status, stdout, stderr } = spawnSync(promtool.path, ['check', 'metrics'], {
      input: page,
      encoding: 'utf8',
    });
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
  });

  it('end on SIGTERM', async () => {
    const { status, stdout, stderr } = await meter.stop();
    assert.equal(status, 0, stderr);
    assert.equal(stdout, '');
    assert.doesNotMatch(stderr, / (WARN|ERROR) /);
  });
});
