import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tracepointNames } from '../../src/kernel/near-tracepoint.ts';
import { FakeRoot } from './fake-root.ts';

for (const [section, name, known] of [
  ['tp_btf/sched_swich', 'sched_swich', ['sched_switch', 'sys_enter']],
  ['?raw_tp/sched_swich', 'sched_swich', ['sched_switch', 'sys_enter']],
  ['tp/sched/sched_swich', 'sched/sched_swich', ['sched/sched_switch']],
  ['tracepoint/none/x', 'none/x', []],
  ['fentry/vfs_read', '', []],
] as const) {
  test(`the tracepoints that ${section} may mean`, () => {
    using root = new FakeRoot();
    root.write('sys/kernel/btf/vmlinux', '\x9f\xeb\0int\0btf_trace_sched_switch\0btf_trace_sys_enter\0vfs_read\0');
    root.write('sys/kernel/debug/tracing/events/sched/sched_switch/id', '1');
    root.write('sys/kernel/debug/tracing/events/sched/enable', '0');
    assert.deepEqual(tracepointNames(section, root.path), { name, known });
  });
}
