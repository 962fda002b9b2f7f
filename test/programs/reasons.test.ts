import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import type { Capability } from '../../src/capability-names.ts';
import type { Confinement } from '../../src/kernel/confinement.ts';
import { LibbpfError } from '../../src/libbpf/error.ts';
import { type Environment, explain, lacksHook, neededCapabilities } from '../../src/programs/reasons.ts';

const all: readonly Capability[] = [
  'CAP_BPF',
  'CAP_PERFMON',
  'CAP_SYS_ADMIN',
  'CAP_DAC_READ_SEARCH',
  'CAP_NET_ADMIN',
  'CAP_SYS_RESOURCE',
];

const free: Confinement = { seccomp: false, lockdown: undefined, userNamespace: false, lockedMemory: Infinity };

function machine(changes: Partial<Environment> = {}): Environment {
  const known = { tracefs: true, btf: true, perfEventParanoid: 2, release: '6.1.0' };
  return { capabilities: new Set(all), ...known, confinement: free, ...changes };
}

const unprivileged = machine({ capabilities: new Set() });

for (const [section, paranoid, expected] of [
  [undefined, 3, ['CAP_BPF', 'CAP_PERFMON']],
  ['tp_btf/sched_switch', 3, ['CAP_BPF', 'CAP_PERFMON']],
  ['raw_tp/sched_switch', 3, ['CAP_BPF', 'CAP_PERFMON']],
  ['kprobe/vfs_read', 2, ['CAP_BPF', 'CAP_PERFMON']],
  ['?kprobe/vfs_read', 3, ['CAP_BPF', 'CAP_PERFMON', 'CAP_SYS_ADMIN']],
  ['tp/block/block_rq_issue', 2, ['CAP_BPF', 'CAP_PERFMON', 'CAP_DAC_READ_SEARCH']],
  ['tracepoint/block/block_rq_issue', 3, ['CAP_BPF', 'CAP_PERFMON', 'CAP_SYS_ADMIN', 'CAP_DAC_READ_SEARCH']],
  ['uprobe//bin/sh:main', 2, ['CAP_BPF', 'CAP_PERFMON', 'CAP_SYS_ADMIN']],
  ['usdt/node:node:gc', 2, ['CAP_BPF', 'CAP_PERFMON', 'CAP_SYS_ADMIN']],
  ['xdp/eth0', 2, ['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN']],
] as const) {
  test(`capabilities for ${section} at paranoid ${paranoid}`, () => {
    assert.deepEqual(neededCapabilities(section, paranoid), expected);
  });
}

const verifierLog = '-- BEGIN PROG LOAD LOG --\nR0 !read_ok\n-- END PROG LOAD LOG --';

for (const [name, errno, messages, section, environment, message, remedy] of [
  [
    'no rights',
    1,
    ['RLIMIT_MEMLOCK'],
    undefined,
    unprivileged,
    'p: EPERM: CAP_BPF and CAP_PERFMON are missing',
    /^Run as root, or give the process CAP_BPF and CAP_PERFMON$/,
  ],
  [
    'one right missing',
    13,
    [],
    'tp/a/b',
    machine({ capabilities: new Set(['CAP_BPF', 'CAP_PERFMON']) }),
    'p: EACCES: CAP_DAC_READ_SEARCH is missing',
    /give the process CAP_DAC_READ_SEARCH$/,
  ],
  [
    'all rights, and nothing on that takes any',
    1,
    [],
    undefined,
    machine(),
    'p: EPERM (operation not permitted)',
    /^The capabilities are there, and neither a seccomp profile nor a lockdown is on: a security module/,
  ],
  [
    'all rights in a container',
    1,
    [],
    undefined,
    machine({ confinement: { ...free, seccomp: true } }),
    'p: EPERM (operation not permitted)',
    /^The capabilities are there, but a seccomp profile \(of a container\) is on: deploy\/seccomp\.json is one that lets BPF through$/,
  ],
  [
    'all rights in a rootless container of a kernel that is locked down',
    1,
    [],
    undefined,
    machine({ confinement: { ...free, userNamespace: true, lockdown: 'integrity' } }),
    'p: EPERM (operation not permitted)',
    /but the process is in a user namespace, .*, and the kernel is locked down \(integrity\)$/,
  ],
  [
    'all rights and no limit of memory on 5.10',
    1,
    [],
    undefined,
    machine({ capabilities: new Set(['CAP_BPF', 'CAP_PERFMON']), release: '5.10.0-30-amd64' }),
    'p: EPERM (operation not permitted)',
    /neither a seccomp profile nor a lockdown is on/,
  ],
  [
    'all rights but memory on 5.10',
    1,
    [],
    undefined,
    machine({
      capabilities: new Set(['CAP_BPF', 'CAP_PERFMON']),
      release: '5.10.0-30-amd64',
      confinement: { ...free, lockedMemory: 65_536 },
    }),
    'p: EPERM (operation not permitted)',
    /\(65536 bytes\): `ulimit -l unlimited`/,
  ],
  [
    'a hook that may be in a module',
    1,
    ["prog 'a': failed to find kernel BTF type ID of 'b': -1"],
    'tp_btf/b',
    machine({ capabilities: new Set(['CAP_BPF', 'CAP_PERFMON']) }),
    "p: EPERM (operation not permitted): prog 'a': failed to find kernel BTF type ID of 'b': -1",
    /in modules run as root, or give CAP_SYS_ADMIN/,
  ],
  [
    'memory on 5.10',
    12,
    [],
    undefined,
    machine({ release: '5.10.0' }),
    'p: ENOMEM (not enough memory)',
    /ulimit -l unlimited/,
  ],
  [
    'the verifier',
    13,
    [verifierLog],
    'tp_btf/a',
    unprivileged,
    'p: EACCES (permission denied): the verifier says "R0 !read_ok"',
    /whole log/,
  ],
  [
    'no tracefs',
    2,
    ['x'],
    'tracepoint/a/b',
    machine({ tracefs: false }),
    'p: tracefs is not mounted',
    /mount -t tracefs tracefs \/sys\/kernel\/tracing/,
  ],
  [
    'no tracepoint',
    2,
    ['x'],
    'tracepoint/a/b',
    machine(),
    'p: ENOENT (no such file or directory): x',
    /\(6\.1\.0\) lacks "tracepoint\/a\/b"/,
  ],
  [
    'no binary',
    2,
    ['failed to open ./server'],
    'uprobe/./server:main',
    machine(),
    'p: ENOENT (no such file or directory): failed to open ./server',
    /begins at the working directory/,
  ],
  [
    'no type of program',
    22,
    ["prog 'a': missing BPF prog type, check ELF section name 'a/b'"],
    'a/b',
    machine(),
    'p: section "a/b": unknown to this libbpf and to ebpf-meter',
    /newer versions know more, and .*xdp\/INTERFACE/,
  ],
  ['no hook', 3, [], 'tp_btf/none', machine({ tracefs: false }), 'p: ESRCH (no such process)', /lacks "tp_btf\/none"/],
  ['no attachment', 524, [], 'fentry/a', machine(), 'p: ENOTSUPP', /lacks "fentry\/a"/],
  [
    'no BTF',
    3,
    ['failed to find valid kernel BTF'],
    'tp_btf/a',
    machine({ btf: false }),
    'p: the kernel has no BTF (/sys/kernel/btf/vmlinux)',
    /CONFIG_DEBUG_INFO_BTF/,
  ],
  ['something else', 28, [], undefined, machine(), 'p: ENOSPC (no space left on device)', undefined],
] as const) {
  test(`reason: ${name}`, () => {
    const error = explain('load', 'p', section, new LibbpfError('call', errno, messages), environment);
    assert.equal(error.message, message);
    if (remedy) assert.match(error.remedy ?? '', remedy);
    else assert.equal(error.remedy, undefined);
    assert.equal(error.code, 'load');
    assert.ok(error.cause instanceof LibbpfError);
    assert.equal(error.detail, messages.length > 0 ? messages.join('\n') : undefined);
  });
}

const some: readonly Capability[] = ['CAP_BPF', 'CAP_PERFMON'];
const inModule = "prog 'p': failed to find kernel BTF type ID of 'ext4_file_open': -1";

for (const [errno, section, messages, environment, expected] of [
  // ENOENT, ESRCH, EBUSY, EINVAL, EOPNOTSUPP, ENOTSUPP, EADDRNOTAVAIL: the kernel lacks it, whoever asks.
  ...[2, 3, 16, 22, 95, 524, 99].map((number) => [number, 'fentry/f', [], unprivileged, true] as const),
  // ENOMEM, E2BIG, EMFILE say nothing of the hook.
  ...[12, 7, 24].map((number) => [number, 'fentry/f', [], machine(), false] as const),
  // Which events there are stands in tracefs.
  [2, 'tp/a/b', [], machine({ tracefs: false }), false],
  [2, 'tp/a/b', [], machine(), true],
  [2, 'tp_btf/b', [], machine({ tracefs: false }), true],
  // EPERM and EACCES only where every right is there.
  [1, 'fentry/f', [], machine(), true],
  [13, 'fentry/f', [verifierLog], machine(), true],
  [1, 'fentry/f', [], unprivileged, false],
  [13, 'tp/a/b', [], machine({ capabilities: new Set(some) }), false],
  [1, 'kprobe/f', [], machine({ capabilities: new Set(some), perfEventParanoid: 3 }), false],
  [1, 'kprobe/f', [], machine({ capabilities: new Set(some), perfEventParanoid: 2 }), true],
  [1, 'fentry/f', [inModule], machine({ capabilities: new Set(some) }), false],
  [1, 'fentry/f', [inModule], machine({ capabilities: new Set([...some, 'CAP_SYS_ADMIN']) }), true],
] as const) {
  const rights = environment.capabilities.size;
  test(`errno ${errno} for ${section} with ${rights} rights and ${messages.length} messages: ${expected}`, () => {
    assert.equal(lacksHook(section, new LibbpfError('call', errno, messages), environment), expected);
  });
}

test('a tracepoint that is misspelt is told with the one that was meant', {
  skip: !existsSync('/sys/kernel/btf/vmlinux') && 'this kernel has no BTF',
}, () => {
  const remedyOf = (section: string) =>
    explain('load', 'p', section, new LibbpfError('bpf_object__load', 3, []), machine()).remedy;
  assert.match(remedyOf('tp_btf/sched_swich')!, /lacks "tp_btf\/sched_swich", .*, did you mean "sched_switch"\?$/);
  assert.match(remedyOf('tp_btf/sched_switch')!, /lacks "tp_btf\/sched_switch", or can't attach to it$/);
});
