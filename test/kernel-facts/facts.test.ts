import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { createKernelFacts } from '../../src/kernel/facts.ts';
import { FakeRoot } from './fake-root.ts';

test('interfaces are read again after a second, as indexes and names move', () => {
  using root = new FakeRoot();
  let now = 0;
  const facts = createKernelFacts({ root: root.path, now: () => now });
  root.write('sys/class/net/lo/ifindex', '1\n');
  root.write('sys/class/net/eth0/ifindex', '2\n');
  root.write('sys/class/net/bonding_masters', 'no folder\n');
  assert.equal(facts.networkInterface(1), 'lo');
  assert.equal(facts.networkInterface(2), 'eth0');
  assert.equal(facts.networkInterface(3), undefined);

  root.remove('sys/class/net/eth0');
  root.write('sys/class/net/wan/ifindex', '2\n');
  root.write('sys/class/net/veth1/ifindex', '3\n');
  now = 999;
  assert.equal(facts.networkInterface(2), 'eth0');
  assert.equal(facts.networkInterface(3), undefined);
  now = 1000;
  assert.equal(facts.networkInterface(2), 'wan');
  assert.equal(facts.networkInterface(3), 'veth1');
});

test('an interface that is gone keeps its name until another has its index, which is told once', () => {
  using root = new FakeRoot();
  let now = 0;
  const facts = createKernelFacts({ root: root.path, now: () => now });
  root.write('sys/class/net/eth0/ifindex', '2\n');
  assert.equal(facts.networkInterface(2), 'eth0');
  assert.equal(facts.networkInterface(3), undefined);
  const before = facts.nameChanges!();

  root.remove('sys/class/net/eth0');
  now = 20_000;
  assert.equal(facts.networkInterface(2), 'eth0');
  assert.equal(facts.nameChanges!(), before);

  root.write('sys/class/net/wan/ifindex', '2\n');
  root.write('sys/class/net/lan/ifindex', '3\n');
  root.write('sys/class/net/unasked/ifindex', '4\n');
  now = 29_999;
  assert.equal(facts.nameChanges!(), before);
  now = 30_000;
  assert.equal(facts.nameChanges!(), before + 1);
  assert.equal(facts.networkInterface(2), 'wan');
  assert.equal(facts.networkInterface(3), 'lan');
  now = 60_000;
  assert.equal(facts.nameChanges!(), before + 1);
});

test('names of interfaces that are gone are forgotten, the oldest first, when there are very many', () => {
  using root = new FakeRoot();
  let now = 0;
  const facts = createKernelFacts({ root: root.path, now: () => now });
  root.write('sys/class/net/lo/ifindex', '1\n');
  root.write('sys/class/net/eth0/ifindex', '2\n');
  root.write('sys/class/net/eth1/ifindex', '3\n');
  for (const index of [1, 2, 3]) facts.networkInterface(index);
  root.remove('sys/class/net/eth0');
  root.remove('sys/class/net/eth1');
  now = 20_000;
  for (let index = 4; index <= 16_384; index++) facts.networkInterface(index);
  assert.deepEqual([2, 3].map(facts.networkInterface), ['eth0', 'eth1']);
  facts.networkInterface(16_385);
  assert.deepEqual([1, 3].map(facts.networkInterface), ['lo', 'eth1']);
  assert.equal(facts.networkInterface(2), undefined);
});

test('a block device is the last part of its link, with ! for /', () => {
  using root = new FakeRoot();
  const facts = createKernelFacts({ root: root.path });
  root.link('sys/dev/block/259:3', '../../devices/pci0000:00/0000:00:02.0/nvme/nvme0/nvme0n1/nvme0n1p2');
  root.link('sys/dev/block/104:0', '../../devices/pci0000:00/cciss!c0d0');
  assert.equal(facts.blockDevice(259, 3), 'nvme0n1p2');
  assert.equal(facts.blockDevice(104, 0), 'cciss/c0d0');
  assert.equal(facts.blockDevice(259, 4), undefined);
});

test('a block device whose link a container engine masks is found among the partitions', () => {
  using root = new FakeRoot();
  const facts = createKernelFacts({ root: root.path });
  root.write(
    'proc/partitions',
    `major minor  #blocks  name

 254        0  268435456 vda
 259        3  500107608 nvme0n1p2
 104        0     524288 cciss/c0d0
`,
  );
  assert.equal(facts.blockDevice(254, 0), 'vda');
  assert.equal(facts.blockDevice(259, 3), 'nvme0n1p2');
  assert.equal(facts.blockDevice(104, 0), 'cciss/c0d0');
  for (const [major, minor] of [
    [54, 0],
    [254, 1],
    [25, 40],
    [0, 0],
  ]) {
    assert.equal(facts.blockDevice(major!, minor!), undefined, `${major}:${minor}`);
  }
  root.link('sys/dev/block/254:0', '../../devices/virtio0/block/vdb');
  assert.equal(facts.blockDevice(254, 0), 'vdb');
});

test('without /proc and /sys nothing is known and nothing throws', () => {
  using root = new FakeRoot();
  const facts = createKernelFacts({ root: root.path });
  assert.equal(facts.symbol(1n), undefined);
  assert.equal(facts.networkInterface(1), undefined);
  assert.equal(facts.blockDevice(8, 0), undefined);
});

const syscalls: readonly (readonly [arch: string, number: number, name: string | undefined])[] = [
  ['x64', 0, 'read'],
  ['x64', 56, 'clone'],
  ['x64', 59, 'execve'],
  ['x64', 202, 'futex'],
  ['x64', 257, 'openat'],
  ['x64', 321, 'bpf'],
  ['x64', 334, 'rseq'],
  ['x64', 335, 'uretprobe'],
  ['x64', 336, 'uprobe'],
  ['x64', 337, undefined],
  ['x64', 423, undefined],
  ['x64', 424, 'pidfd_send_signal'],
  ['x64', 435, 'clone3'],
  ['x64', 451, 'cachestat'],
  ['x64', 462, 'mseal'],
  ['x64', 469, 'file_setattr'],
  ['x64', 512, undefined],
  ['x64', -1, undefined],
  ['arm64', 0, 'io_setup'],
  ['arm64', 25, 'fcntl'],
  ['arm64', 38, 'renameat'],
  ['arm64', 56, 'openat'],
  ['arm64', 62, 'lseek'],
  ['arm64', 63, 'read'],
  ['arm64', 79, 'newfstatat'],
  ['arm64', 80, 'fstat'],
  ['arm64', 163, 'getrlimit'],
  ['arm64', 173, 'getppid'],
  ['arm64', 222, 'mmap'],
  ['arm64', 244, undefined],
  ['arm64', 260, 'wait4'],
  ['arm64', 280, 'bpf'],
  ['arm64', 294, 'kexec_file_load'],
  ['arm64', 295, undefined],
  ['arm64', 447, 'memfd_secret'],
  ['arm64', 462, 'mseal'],
  ['riscv64', 63, undefined],
];

test('system calls by architecture', () => {
  for (const [arch, number, name] of syscalls) {
    assert.equal(createKernelFacts({ arch }).syscall(number), name, `${arch} ${number}`);
  }
});

const errnos: readonly (readonly [number: number, name: string | undefined])[] = [
  [0, undefined],
  [1, 'EPERM'],
  [2, 'ENOENT'],
  [11, 'EAGAIN'],
  [35, 'EDEADLK'],
  [40, 'ELOOP'],
  [41, undefined],
  [42, 'ENOMSG'],
  [58, undefined],
  [61, 'ENODATA'],
  [95, 'EOPNOTSUPP'],
  [110, 'ETIMEDOUT'],
  [133, 'EHWPOISON'],
  [134, undefined],
  [512, 'ERESTARTSYS'],
  [516, 'ERESTART_RESTARTBLOCK'],
  [519, 'ENOPARAM'],
  [520, undefined],
  [521, 'EBADHANDLE'],
  [524, 'ENOTSUPP'],
  [530, 'ERECALLCONFLICT'],
  [531, 'ENOGRACE'],
];

test('errnos', () => {
  const facts = createKernelFacts();
  for (const [number, name] of errnos) assert.equal(facts.errno(number), name, `${number}`);
});

test("ebpf_exporter's names of system calls and errnos, where they are asked for", () => {
  const theirs = (arch: string) => createKernelFacts({ arch, names: 'ebpf_exporter' });
  for (const [arch, count] of [
    ['x64', 37],
    ['arm64', 32],
  ] as const) {
    const kernels = createKernelFacts({ arch });
    const numbers = Array.from({ length: 600 }, (_, number) => number);
    assert.equal(
      numbers.filter((number) => kernels.syscall(number) !== theirs(arch).syscall(number)).length,
      count,
      arch,
    );
  }
  for (const [arch, number, name] of [
    ['x64', 0, 'read'],
    ['x64', 7, 'poll_time64'],
    ['x64', 17, 'pread'],
    ['x64', 18, 'pwrite'],
    ['x64', 40, 'sendfile64'],
    ['x64', 60, 'exit'],
    ['x64', 94, 'chown'],
    ['x64', 155, 'pivotroot'],
    ['x64', 156, 'sysctl'],
    ['x64', 189, 'setxattr'],
    ['x64', 202, 'futex_time64'],
    ['x64', 214, 'printargs'],
    ['x64', 228, 'clock_gettime64'],
    ['x64', 229, 'clock_getres_time64'],
    ['x64', 231, 'exit'],
    ['x64', 262, 'newfstatat'],
    ['x64', 333, 'io_pgetevents_time64'],
    ['x64', 462, 'mseal'],
    ['x64', 600, undefined],
    ['arm64', 41, 'pivotroot'],
    ['arm64', 67, 'pread'],
    ['arm64', 94, 'exit'],
    ['arm64', 98, 'futex_time64'],
    ['arm64', 171, 'adjtimex64'],
    ['riscv64', 63, undefined],
  ] as const) {
    assert.equal(theirs(arch).syscall(number), name, `${arch} ${number}`);
  }
  for (const [number, name] of errnos) {
    const expected = number === 95 ? 'ENOTSUP' : number === 117 ? 'EFSCORRUPTED' : number >= 512 ? undefined : name;
    assert.equal(theirs('x64').errno(number), expected, `${number}`);
  }
  assert.equal(theirs('x64').errno(117), 'EFSCORRUPTED');
  assert.equal(createKernelFacts().errno(117), 'EUCLEAN');
});

/** Of this machine, whatever it is. */
test('this kernel: lo has its index, and its block devices their names', () => {
  const facts = createKernelFacts();
  const lo = Number(readFileSync('/sys/class/net/lo/ifindex', 'latin1'));
  assert.equal(facts.networkInterface(lo), 'lo');
  for (const name of Object.keys(networkInterfaces())) {
    assert.equal(facts.networkInterface(Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'latin1'))), name);
  }
  for (const line of readFileSync('/proc/partitions', 'latin1').split('\n').slice(2)) {
    const [major, minor, , name] = line.trim().split(/\s+/);
    if (name !== undefined) assert.equal(facts.blockDevice(Number(major), Number(minor)), name);
  }
});

test('this kernel: a system call is a symbol at its address, which is told to root alone', () => {
  const warnings: Error[] = [];
  const facts = createKernelFacts({ warn: (warning) => warnings.push(warning) });
  const lines = readFileSync('/proc/kallsyms', 'latin1').split('\n');
  const line = lines.find((each) => /_sys_getppid$/.test(each))!;
  const address = line.slice(0, 16);
  const first = lines.find((each) => each.startsWith(address))!;
  if (/^0+$/.test(address)) {
    assert.equal(facts.symbol(0n), undefined);
    assert.equal(warnings.length, 1);
    return;
  }
  assert.equal(facts.symbol(BigInt(`0x${address}`)), first.slice(19));
  assert.equal(facts.symbol(BigInt(`0x${address}`) + 1n), undefined);
  assert.deepEqual(warnings, []);
});

test('this kernel: the device of the root file system, where it is on one', () => {
  const rootDevice = readFileSync('/proc/self/mountinfo', 'latin1')
    .split('\n')
    .map((line) => line.split(' '))
    .find((fields) => fields[4] === '/')![2]!;
  const [major, minor] = rootDevice.split(':').map(Number);
  const expected = major === 0 ? undefined : readlinkSync(`/sys/dev/block/${rootDevice}`).split('/').at(-1);
  assert.equal(createKernelFacts().blockDevice(major!, minor!), expected);
});
