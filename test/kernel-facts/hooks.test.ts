import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createHooks } from '../../src/kernel/hooks.ts';
import { FakeRoot } from './fake-root.ts';

const btfFile = 'sys/kernel/btf/vmlinux';
const btf = '\x9f\xeb\x01\0int\0btf_trace_sched_switch\0tcp_sendmsg\0';

describe('hooks', () => {
  for (const { section, state, reason } of [
    { section: 'tp_btf/sched_switch', state: 'there' },
    { section: '?tp_btf/sched_switch', state: 'there' },
    { section: 'raw_tp/sched_switch', state: 'there' },
    { section: 'raw_tracepoint/sched_switch', state: 'there' },
    { section: 'tp_btf/sched_swit', state: 'missing', reason: /no tracepoint sched_swit$/ },
    { section: 'tp_btf/trace_sched_switch', state: 'missing', reason: /no tracepoint/ },
    { section: 'fentry/tcp_sendmsg', state: 'unknown', reason: /shows when it is attached/ },
    { section: 'fexit.s/tcp_recvmsg', state: 'missing', reason: /no function tcp_recvmsg/ },
    { section: 'tp/block/block_rq_issue', state: 'there' },
    { section: 'tracepoint/block/nothing', state: 'missing', reason: /no tracepoint block\/nothing/ },
    { section: 'kprobe/vfs_read', state: 'unknown', reason: /such a function/ },
    { section: 'uprobe//bin/sh:main', state: 'missing', reason: /no uprobes/ },
    { section: 'iter/tcp', state: 'unknown', reason: /"iter\/tcp" can be told only by attaching/ },
    { section: 'perf_event', state: 'unknown', reason: /only by attaching/ },
  ]) {
    it(`${section}: ${state}`, () => {
      using root = new FakeRoot();
      root.write(btfFile, btf);
      root.write('sys/kernel/debug/tracing/events/block/block_rq_issue/id', '1');
      root.write('sys/bus/event_source/devices/kprobe/type', '8');
      const told = createHooks({ root: root.path })(section);
      assert.equal(told.state, state);
      if (reason !== undefined) assert.match('reason' in told ? told.reason : '', reason);
    });
  }

  for (const { section, state } of [
    { section: 'tp_btf/sched_switch', state: 'missing' },
    { section: 'fentry/tcp_sendmsg', state: 'missing' },
    { section: 'raw_tp/sched_switch', state: 'unknown' },
    { section: 'tp/block/block_rq_issue', state: 'unknown' },
    { section: 'kprobe/vfs_read', state: 'missing' },
  ]) {
    it(`${section} on a machine without /sys: ${state}`, () => {
      using root = new FakeRoot();
      assert.equal(createHooks({ root: root.path })(section).state, state);
    });
  }

  it('knows the tracepoints of this kernel', { skip: !existsSync(`/${btfFile}`) && 'the kernel has no BTF' }, () => {
    const hooks = createHooks();
    assert.deepEqual(hooks('tp_btf/sched_switch'), { state: 'there' });
    assert.equal(hooks('tp_btf/no_such_tracepoint').state, 'missing');
  });
});
