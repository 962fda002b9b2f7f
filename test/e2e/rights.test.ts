import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type Capability, capabilityNames } from '../../src/capability-names.ts';
import { parseCapabilities } from '../../src/kernel/capabilities.ts';
import { RunningMeter } from '../helpers/process.ts';

/** What each thread of a process has, with its name. */
function threadsOf(pid: number) {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1');
    return {
      permitted: [...parseCapabilities(status, 'CapPrm')],
      effective: [...parseCapabilities(status)],
      noNewPrivileges: /^NoNewPrivs:\s*1$/m.test(status),
    };
  });
}

/** Those that a started process should have: what this one has of them. */
function had(...names: readonly Capability[]): readonly Capability[] {
  const own = parseCapabilities(readFileSync('/proc/self/status', 'latin1'));
  return names.filter((name) => own.has(name));
}

/** TCP sockets that the process listens on; 0A is LISTEN in /proc/net/tcp (proc_net_tcp.txt). */
function listenersOf(pid: number): number {
  const files = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  const tables = readFileSync(`/proc/${pid}/net/tcp`, 'latin1') + readFileSync(`/proc/${pid}/net/tcp6`, 'latin1');
  const inodes = [...tables.matchAll(/^ *\d+: \S+ \S+ 0A (?:\S+ +){5}(\d+)/gm)].map(([, inode]) => inode);
  return inodes.filter((inode) => files.includes(`socket:[${inode}]`)).length;
}

async function assertCounts(meter: RunningMeter): Promise<void> {
  // Twice, so that what is emptied or run for each reading has been.
  await meter.scrape();
  const page = await meter.scrape();
  assert.ok(page.total('ebpf_sched_runqueue_latency_seconds_count') > 0);
  assert.equal(page.total('ebpf_meter_map_read_errors_total'), 0);
}

describe('rights', () => {
  it('every thread gives up what is not needed once all is attached, and every program goes on counting', async () => {
    await using meter = await RunningMeter.start([]);
    const [, kept] = await meter.logged(/rights: gave up \d+ capabilities; kept: (.*)\n/);
    const needed = [...kept!.matchAll(/(CAP_\w+) \(/g)].map(([, name]) => name);
    const threads = threadsOf(meter.child.pid!);
    assert.ok(threads.length > 5);
    for (const thread of threads)
      assert.deepEqual(thread, { permitted: needed, effective: needed, noNewPrivileges: true });
    assert.ok(needed.length < 3 && needed.includes('CAP_SYSLOG'), kept!);
    await assertCounts(meter);
  });

  it('the operator says what is kept', async () => {
    for (const [option, expected] of [
      ['none', []],
      ['bpf,CAP_PERFMON', had('CAP_PERFMON', 'CAP_BPF')],
      ['all', had(...capabilityNames)],
    ] as const) {
      await using meter = await RunningMeter.start(['--only', 'sched', '--capabilities.keep', option]);
      for (const { permitted } of threadsOf(meter.child.pid!)) assert.deepEqual(permitted, expected);
    }
  });

  it('SIGUSR1 opens no debugger', async () => {
    await using meter = await RunningMeter.start(['--only', 'sched']);
    const listening = listenersOf(meter.child.pid!);
    assert.equal(listening, 1);
    meter.child.kill('SIGUSR1');
    await assertCounts(meter);
    assert.equal(listenersOf(meter.child.pid!), listening);
    const { status, stderr } = await meter.stop();
    assert.equal(status, 0);
    assert.doesNotMatch(stderr, /ebugger/);
  });
});
