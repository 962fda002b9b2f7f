import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { buildLoad } from '../../../bench/kernel/build.ts';
import { hasKprobes, type KernelFunction } from '../../../src/kernel/traceable-functions.ts';
import { startProgram } from '../../../src/programs/start.ts';
import { attachCopies, attachMulti, attachSingles } from '../../../src/programs/without-c/function-ways.ts';
import { namedReader } from '../../../src/programs/without-c/named-reader.ts';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import { planOf, readCounts } from '../programs/counting.ts';
import { call, syscallFunction } from './calls.ts';

const skip = hasKprobes() ? false : 'this kernel has no kprobes';

/** A program without C that counts functions, and their durations where they are asked for. */
function yaml(patterns: readonly string[], { latency = true, limit = 100 } = {}): string {
  return `
maps:
  calls:
    functions: ${JSON.stringify(patterns)}
    limit: ${limit}
metrics:
  counters:
    - {name: calls, map: calls, field: calls}
${latency ? '    - {name: missed, map: calls, field: missed}' : ''}
${latency ? '  histograms:\n    - {name: duration, unit: s, map: calls, field: latency, in: us, sum_in: ns}' : ''}
`;
}

function start(...parameters: Parameters<typeof yaml>) {
  const plan = planOf(yaml(...parameters));
  const running = startProgram(plan, undefined);
  return { running, counts: readCounts(plan, running) };
}

function errorsOf({ running }: ReturnType<typeof start>): string[] {
  return running.attached.flatMap(({ error }) => (error === undefined ? [] : [error.message]));
}

describe('kernel functions', { skip }, () => {
  const getsid = syscallFunction('getsid');

  test('calls are counted by function, and functions that are not called are 0', async () => {
    const setuid = syscallFunction('setfsuid');
    const started = start([getsid, setuid], { latency: false });
    using counts = started.counts;
    assert.deepEqual(errorsOf(started), []);
    assert.deepEqual(
      await counts.numbers('calls'),
      new Map([
        [getsid, 0],
        [setuid, 0],
      ]),
    );
    call('getsid', 199);
    assert.deepEqual(
      await counts.numbers('calls'),
      new Map([
        [getsid, 199],
        [setuid, 0],
      ]),
    );
  });

  test('globs name them, less those that a glob leaves out', async () => {
    const started = start(['__*_sys_getsi*', '!__ia32_*'], { latency: false });
    using counts = started.counts;
    assert.deepEqual(errorsOf(started), []);
    assert.deepEqual([...(await counts.numbers('calls')).keys()], [getsid]);
  });

  test('every duration is in the histogram', async () => {
    const nanosleep = syscallFunction('clock_nanosleep');
    const started = start([nanosleep]);
    using counts = started.counts;
    assert.deepEqual(errorsOf(started), []);
    call('nap', 17);
    assert.equal((await counts.numbers('calls')).get(nanosleep), 17);
    assert.equal((await counts.numbers('missed')).get(nanosleep), 0);
    const { count, sum, slots, bounds } = (await counts.histograms('duration')).get(nanosleep)!;
    assert.equal(count, 17);
    assert.ok(sum >= 17 * 0.002, `${sum} s`);
    const shorter = slots.slice(
      0,
      bounds.findIndex((bound) => bound >= 0.002),
    );
    assert.deepEqual(new Set(shorter), new Set([0]), 'none is shorter than it slept');
  });

  test('a function that calls itself, and functions that call one another, are told apart', async () => {
    // How epolls in one another are polled: by a function that calls itself, under another name before 5.13.
    const inner = isKernelSince(5, 13) ? '__ep_eventpoll_poll' : 'ep_scan_ready_list*';
    const started = start([inner, 'do_sys_poll']);
    using counts = started.counts;
    assert.deepEqual(errorsOf(started), []);
    // Putting epolls into one another polls them too, how often depends on the kernel.
    call('nested', 0);
    const before = await counts.numbers('calls');
    call('nested', 0);
    const between = await counts.numbers('calls');
    call('nested', 23);
    const calls = await counts.numbers('calls');
    const durations = await counts.histograms('duration');
    const missed = await counts.numbers('missed');
    const [polled] = [...calls.keys()].filter((name) => name !== 'do_sys_poll');
    const setUp = between.get(polled!)! - before.get(polled!)!;
    const polls = calls.get(polled!)! - between.get(polled!)! - setUp;
    if (isKernelSince(5, 13)) assert.equal(polls, 23 * 4);
    // There epoll_wait calls it too, which this process does all the time.
    else assert.ok(calls.get(polled!)! >= 23 * 4);
    // Where this process calls it, it does so between the readings, and in the last one a call may be under way.
    const later = await counts.numbers('calls');
    const [least, most] = [calls.get(polled!)! - 1, later.get(polled!)!];
    const ended = durations.get(polled!)!.count + missed.get(polled!)!;
    if (isKernelSince(5, 13)) assert.equal(ended, calls.get(polled!));
    else assert.ok(ended >= least && ended <= most, `${ended} of ${least} to ${most}`);
    // Older ones may keep memory for as many calls as there are CPUs, and here are four within one another.
    if (isKernelSince(6, 12)) assert.equal(missed.get(polled!), 0);
    assert.ok(durations.get(polled!)!.count >= 23);
    assert.ok(durations.get('do_sys_poll')!.count >= 23);
  });

  test('a call whose return was missed is counted as that', async () => {
    const msgrcv = syscallFunction('msgrcv');
    const started = start([msgrcv]);
    using counts = started.counts;
    assert.deepEqual(errorsOf(started), []);
    // The kernel keeps memory for some calls at a time of a kretprobe: one or two for each CPU, or 10.
    call('waiting', 53);
    const missed = (await counts.numbers('missed')).get(msgrcv)!;
    const { count } = (await counts.histograms('duration')).get(msgrcv)!;
    assert.equal((await counts.numbers('calls')).get(msgrcv), 106);
    // Since 5.13 each system call begins at a random place on its stack: a call that is over may look like an outer one.
    if (isKernelSince(5, 13)) assert.ok(count + missed <= 106, `${count} + ${missed}`);
    else assert.equal(count + missed, 106);
    assert.ok(count >= 53 + 1, `${count}: all second calls, and of the first those that there was memory for`);
    // Since 6.14 return addresses are kept for each task.
    if (!isKernelSince(6, 14)) assert.ok(missed > 0);
    const losses = new Map([...started.running.losses()].map(({ reason, count: lost }) => [reason, lost]));
    assert.deepEqual(
      losses,
      new Map([
        ['missed_call', 0],
        ['missed_return', missed],
      ]),
    );
  });

  test('calls that are more than 16 deep in one another are missed, and none outside of them', async () => {
    // How a connection's first packet goes out, outermost first; which of these have calls of their own, and aren't part of
    // their callers, depends on the kernel.
    const connecting =
      `__sys_connect __sys_connect_file inet_stream_connect __inet_stream_connect tcp_v4_connect tcp_connect
      __tcp_transmit_skb ip_queue_xmit __ip_queue_xmit`.split(/\s+/);
    const sending = `ip_local_out __ip_local_out ip_output ip_finish_output __ip_finish_output ip_finish_output2
      __dev_queue_xmit dev_hard_start_xmit loopback_xmit __netif_rx netif_rx_internal enqueue_to_backlog`.split(/\s+/);
    const started = start([syscallFunction('connect'), ...connecting, ...sending]);
    using counts = started.counts;
    execFileSync(buildLoad('network'), ['refused', '23', '127.0.0.1']);
    const calls = await counts.numbers('calls');
    const missed = await counts.numbers('missed');
    const durations = await counts.histograms('duration');
    const nested = [syscallFunction('connect'), ...connecting, ...sending].filter((name) => calls.get(name)! > 0);
    // What refuses it goes the same way back, less deep on a stack of interrupts: who is called once is on one of the two.
    const isSure = (name: string) => !sending.includes(name) || calls.get(name) === 2 * 23;
    for (const name of nested) {
      assert.ok([23, 2 * 23].includes(calls.get(name)!), `${name}: ${calls.get(name)} calls`);
      assert.ok([0, 23].includes(missed.get(name)!), `${name}: ${missed.get(name)} missed`);
    }
    const kept = nested.filter((name) => missed.get(name) === 0);
    const sure = kept.filter(isSure);
    assert.ok(kept.length >= 16 && sure.length <= 16, `${kept}`);
    assert.ok(kept.length < nested.length, `${nested}`);
    // Those within the last one that is kept for sure are not.
    const within = nested.slice(nested.indexOf(sure.at(-1)!) + 1).filter(isSure);
    assert.ok(within.length > 0 && within.every((name) => missed.get(name) === 23), `${within}`);
    for (const name of nested) assert.equal(durations.get(name)!.count + missed.get(name)!, calls.get(name));
  });

  test('one that is not there costs itself alone', async () => {
    const started = start([getsid, 'no_such_function'], { latency: false });
    using counts = started.counts;
    assert.match(errorsOf(started).join(), /^test\.yaml:4:\d+: "no_such_function": this kernel has no function/);
    call('getsid', 7);
    assert.deepEqual(await counts.numbers('calls'), new Map([[getsid, 7]]));
  });

  test('more than the limit are none', () => {
    const started = start(['vfs_*'], { limit: 3 });
    using _counts = started.counts;
    assert.match(errorsOf(started).join(), /^test\.yaml:4:\d+: "vfs_\*": \d+ functions, more than the limit of 3$/);
    assert.deepEqual(started.running.lost, ['calls', 'missed', 'duration']);
  });

  describe('ways', () => {
    const real: KernelFunction = { name: getsid, module: undefined, addresses: [] };
    const none: KernelFunction = { name: 'no_such_function', module: undefined, addresses: [] };
    const ways = [
      { way: attachMulti, since: [6, 12], hasIt: isKernelSince(6, 12), sections: ['kprobe.multi', 'kprobe.multi'] },
      { way: attachSingles, since: [5, 15], hasIt: isKernelSince(5, 15), sections: ['kprobe', 'kprobe'] },
      { way: attachCopies, since: [5, 10], hasIt: true, sections: ['kprobe', 'kprobe'] },
    ];
    for (const { way, hasIt, since, sections } of ways) {
      test(`${way.name} leaves out what the kernel refuses`, {
        skip: hasIt ? false : `since ${since.join('.')}`,
      }, () => {
        using attached = way({ map: 'calls', functions: [none, real, none], withLatency: true });
        assert.deepEqual(attached.named, [{ name: getsid, slot: 1 }]);
        const states = attached.attached.map(({ state, section }) => [state, section]);
        assert.deepEqual(states, [
          ...sections.map((section) => ['attached', section]),
          ...Array.from({ length: 2 }, () => ['failed', `${sections[0]}/no_such_function`]),
        ]);
        assert.equal(attached.missedCalls(), 0);
        call('getsid', 5);
        const reader = namedReader(attached.counts, attached.named, { map: 'calls', keySize: 16, maxEntries: 3 });
        const { count, keys, values } = reader.read();
        assert.equal(count, 1);
        assert.equal(Buffer.from(keys).toString('latin1'), getsid.slice(0, 15).padEnd(16, '\0'));
        const perCpu = Array.from({ length: reader.cpus }, (_, cpu) => cpu * reader.valueSize);
        const words = new DataView(values.buffer, values.byteOffset, values.byteLength);
        assert.equal(
          perCpu.reduce((sum, at) => sum + Number(words.getBigUint64(at, true)), 0),
          5,
        );
      });

      test(`${way.name} fails where it can attach nothing`, () => {
        assert.throws(() => way({ map: 'calls', functions: [none], withLatency: true }), { name: 'MeterError' });
      });
    }
  });
});

if (!hasKprobes())
  describe('a kernel without kprobes', () => {
    const function_ = existsSync('/proc/kallsyms') ? 'vfs_read' : 'none';

    test('lacks the metrics, which is no failure', () => {
      const { running, counts } = start([function_]);
      using _counts = counts;
      assert.deepEqual(running.attached, []);
      assert.deepEqual(running.plan.tables, []);
      assert.deepEqual(running.absent, [
        {
          metrics: ['calls', 'missed', 'duration'],
          level: 'info',
          reason:
            'test: map "calls": this kernel has no kprobes (CONFIG_KPROBE_EVENTS), without which functions can\'t be counted',
        },
      ]);
    });

    test('takes the programs: it lacks nothing but the hooks', () => {
      const functions = [{ name: function_, module: undefined, addresses: [] }];
      for (const way of [attachSingles, attachCopies]) {
        assert.throws(() => way({ map: 'calls', functions, withLatency: true }), {
          name: 'MeterError',
          code: 'attach',
        });
      }
    });
  });
