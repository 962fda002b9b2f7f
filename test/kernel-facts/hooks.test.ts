import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createHooks } from '../../src/kernel/hooks.ts';
import { FakeRoot } from './fake-root.ts';

const btfFile = 'sys/kernel/btf/vmlinux';
const btf = '\x9f\xeb\x01\0int\0btf_trace_sched_switch\0tcp_sendmsg\0bpf_iter_tcp\0';

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
    { section: '?kretprobe/vfs_read', state: 'unknown', reason: /such a function/ },
    { section: 'kprobe/vfs_read+0x4', state: 'unknown', reason: /such a function/ },
    { section: 'kprobe/cloned', state: 'unknown', reason: /such a function/ },
    { section: 'kprobe/vfs_reed', state: 'missing', reason: /^this kernel has no function vfs_reed$/ },
    { section: 'kprobe/vfs_*', state: 'unknown', reason: /such a function/ },
    { section: 'kprobe', state: 'unknown', reason: /such a function/ },
    { section: 'kprobe.multi/nothing*', state: 'unknown', reason: /only by attaching/ },
    { section: 'fentry/ext4_file_read_iter', state: 'unknown', reason: /shows when it is attached/ },
    { section: 'tp_btf/ext4_sync_file_enter', state: 'there' },
    { section: 'raw_tp/ext4_sync_file_enter', state: 'there' },
    { section: 'raw_tp/xfs_nothing', state: 'missing', reason: /no tracepoint xfs_nothing$/ },
    { section: 'uprobe//bin/sh:main', state: 'missing', reason: /no uprobes/ },
    { section: '?iter/tcp', state: 'there' },
    { section: 'iter.s/tcp', state: 'there' },
    { section: 'iter/udp', state: 'missing', reason: /no iterator udp/ },
    { section: 'xdp', state: 'unknown', reason: /"xdp" can be told only by attaching/ },
    { section: 'perf_event', state: 'unknown', reason: /only by attaching/ },
    { section: 'perf_event/type=1,config=0,frequency=99', state: 'there' },
    { section: '?perf_event/type=0x2,config=317,sample_period=1', state: 'there' },
    { section: 'perf_event/type=0,config=3,frequency=99', state: 'missing', reason: /no PMU/ },
  ]) {
    it(`${section}: ${state}`, () => {
      using root = new FakeRoot();
      root.write(btfFile, btf);
      root.write('sys/kernel/debug/tracing/events/block/block_rq_issue/id', '1');
      root.write('sys/kernel/btf/ext4', '\0ext4_file_read_iter\0btf_trace_ext4_sync_file_enter\0');
      root.write('proc/modules', 'ext4 1 0 - Live 0\n');
      root.write('proc/kallsyms', '0000000000000000 T vfs_read\n0000000000000000 t cloned.isra.0\t[extra]\n');
      root.write('sys/bus/event_source/devices/kprobe/type', '8');
      using hooks = createHooks({ root: root.path });
      const told = hooks.tell(section);
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
      using hooks = createHooks({ root: root.path });
      assert.equal(hooks.tell(section).state, state);
    });
  }

  for (const { section, state, reason } of [
    { section: 'tp_btf/ext4_sync_file_enter', state: 'missing', reason: /, or a module has it without BTF$/ },
    { section: 'fentry/ext4_file_read_iter', state: 'missing', reason: /, or a module has it without BTF$/ },
    { section: 'raw_tp/ext4_sync_file_enter', state: 'unknown', reason: /whether a module has the tracepoint/ },
    { section: 'raw_tp/sched_switch', state: 'there' },
    { section: 'kprobe/ext4_file_read_iter', state: 'unknown', reason: /such a function/ },
  ]) {
    it(`${section} where modules have no BTF: ${state}`, () => {
      using root = new FakeRoot();
      root.write(btfFile, btf);
      root.write('proc/modules', 'ext4 1 0 - Live 0\n');
      root.write('sys/bus/event_source/devices/kprobe/type', '8');
      using hooks = createHooks({ root: root.path });
      const told = hooks.tell(section);
      assert.equal(told.state, state);
      if (reason !== undefined) assert.match('reason' in told ? told.reason : '', reason);
    });
  }

  it('reads the types once, and again after it was disposed', () => {
    using root = new FakeRoot();
    root.write(btfFile, btf);
    const hooks = createHooks({ root: root.path });
    assert.equal(hooks.tell('tp_btf/sched_switch').state, 'there');
    root.remove(btfFile);
    assert.equal(hooks.tell('tp_btf/sched_switch').state, 'there');
    hooks[Symbol.dispose]();
    assert.equal(hooks.tell('tp_btf/sched_switch').state, 'missing');
  });

  it('knows the tracepoints of this kernel', { skip: !existsSync(`/${btfFile}`) && 'the kernel has no BTF' }, () => {
    using hooks = createHooks();
    assert.deepEqual(hooks.tell('tp_btf/sched_switch'), { state: 'there' });
    assert.equal(hooks.tell('tp_btf/no_such_tracepoint').state, 'missing');
  });
});
