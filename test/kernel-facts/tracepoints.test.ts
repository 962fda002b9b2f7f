import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Pattern } from '../../src/kernel/glob.ts';
import { findTracepoints } from '../../src/kernel/tracepoints.ts';
import { FakeRoot } from './fake-root.ts';

const events = `sched:sched_switch
sched:sched_wakeup
raw_syscalls:sys_enter
syscalls:sys_enter_openat
ftrace:function
kprobes:mine
ext4:ext4_da_write_begin
`;
const btf =
  '\0int\0btf_trace_sched_switch\0btf_trace_sched_wakeup\0btf_trace_pelt_cfs_tp\0__bpf_trace_x\0btf_trace_sys_enter\0';
const moduleBtf = '\0btf_trace_xfs_read\0';

function kernel({ tracefs = true, types = true } = {}): FakeRoot {
  const root = new FakeRoot();
  if (tracefs) root.write('/sys/kernel/tracing/available_events', events);
  if (types) root.write('/sys/kernel/btf/vmlinux', btf);
  if (types) root.write('/sys/kernel/btf/xfs', moduleBtf);
  return root;
}

function patterns(...texts: readonly string[]): Pattern[] {
  return texts.map((text) => ({ text: text.replace(/^!/, ''), excludes: text.startsWith('!') }));
}

describe('tracepoints by glob', () => {
  const cases: readonly [texts: readonly string[], names: readonly string[], namesByTypes: readonly string[]][] = [
    [['sched_switch'], ['sched_switch'], ['sched_switch']],
    [['sched_*'], ['sched_switch', 'sched_wakeup'], ['sched_switch', 'sched_wakeup']],
    [['sched:*'], ['sched_switch', 'sched_wakeup'], []],
    [['sched:*', '!*_switch'], ['sched_wakeup'], []],
    [['sched_*', '!sched:sched_switch'], ['sched_wakeup'], ['sched_switch', 'sched_wakeup']],
    [['*:*'], ['ext4_da_write_begin', 'sched_switch', 'sched_wakeup', 'sys_enter'], []],
    [
      ['pelt_*', 'xfs_*'],
      ['pelt_cfs_tp', 'xfs_read'],
      ['pelt_cfs_tp', 'xfs_read'],
    ],
    [['sys_*'], ['sys_enter'], ['sys_enter']],
  ];
  for (const [texts, names, namesByTypes] of cases) {
    test(JSON.stringify(texts), () => {
      using both = kernel();
      assert.deepEqual(findTracepoints(patterns(...texts), both.path).names, names);
      using types = kernel({ tracefs: false });
      assert.deepEqual(findTracepoints(patterns(...texts), types.path).names, namesByTypes);
    });
  }
});

describe('why a pattern names nothing', () => {
  const cases: readonly [text: string, reason: RegExp, known: string | undefined][] = [
    ['sched_swich', /this kernel has no such tracepoint/, 'sched_switch'],
    ['sched:sched_swich', /this kernel has no such tracepoint/, 'sched:sched_switch'],
    ['syscalls:sys_enter_*', /made from raw_syscalls:sys_enter and sys_exit/, undefined],
    ['sys_enter_openat', /made from raw_syscalls:sys_enter and sys_exit/, undefined],
    ['kprobes:mine', /events of "kprobes" are no tracepoints/, undefined],
  ];
  for (const [text, reason, known] of cases) {
    test(text, () => {
      using root = kernel();
      const { names, unmatched } = findTracepoints(patterns(text, '!whatever'), root.path);
      assert.deepEqual(names, []);
      assert.match(unmatched[0]!.reason, reason);
      if (known !== undefined) assert.ok(unmatched[0]!.known.includes(known));
    });
  }

  test('without tracefs nobody knows subsystems', () => {
    using root = kernel({ tracefs: false });
    const { unmatched } = findTracepoints(patterns('sched:*'), root.path);
    assert.match(unmatched[0]!.reason, /can't be read \(ENOENT\): leave the subsystem out/);
  });

  test('a kernel that tells nothing', () => {
    using root = new FakeRoot();
    const { names, unmatched } = findTracepoints(patterns('sched_switch'), root.path);
    assert.deepEqual(names, []);
    assert.match(unmatched[0]!.reason, /doesn't tell its tracepoints/);
  });
});
