import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Pattern } from '../../src/kernel/glob.ts';
import { findFunctions, hasKprobes } from '../../src/kernel/traceable-functions.ts';
import { FakeRoot } from './fake-root.ts';

const symbols = `ffffffff81000000 T _text
ffffffff81000010 T vfs_read
ffffffff81000020 t vfs_readv
ffffffff81000030 W vfs_weak
ffffffff81000040 t __pfx_vfs_read
ffffffff81000050 t vfs_read.cold
ffffffff81000060 t swap_readpage.isra.0
ffffffff81000070 t swap_readpage.constprop.0.isra.1
ffffffff81000080 t swap_readpage.part.0
ffffffff81000090 T vfs_notrace
ffffffff810000a0 T vfs_forbidden
ffffffff810000b0 t twice
ffffffff810000c0 t twice
ffffffff82000000 D vfs_data
ffffffffc0000010 t ext4_open	[ext4]
ffffffffc0000020 t init	[ext4]
ffffffffc0001020 t init	[xfs]
`;
const traceable = `vfs_read
vfs_readv
vfs_weak
vfs_forbidden
swap_readpage.isra.0
swap_readpage.constprop.0.isra.1
swap_readpage.part.0
__ftrace_invalid_address___0
twice
twice
ext4_open [ext4]
init [ext4]
init [xfs]
`;
const blacklist = '0xffffffff810000a0-0xffffffff810000b0\tvfs_forbidden\n';

function kernel({ hidden = false, list = '/sys/kernel/tracing' as string | null } = {}): FakeRoot {
  const root = new FakeRoot();
  root.write('/proc/kallsyms', hidden ? symbols.replaceAll(/^[0-9a-f]{16}/gm, '0'.repeat(16)) : symbols);
  if (list !== null) root.write(`${list}/available_filter_functions`, traceable);
  root.write('/sys/kernel/debug/kprobes/blacklist', blacklist);
  return root;
}

function patterns(...texts: readonly string[]): Pattern[] {
  return texts.map((text) => ({ text: text.replace(/^!/, ''), excludes: text.startsWith('!') }));
}

function namesOf(root: FakeRoot, ...texts: readonly string[]): string[] {
  const { functions } = findFunctions(patterns(...texts), { root: root.path });
  return functions.map(({ name, module }) => (module === undefined ? name : `${name} [${module}]`));
}

describe('functions by glob', () => {
  const cases: readonly [texts: readonly string[], names: readonly string[]][] = [
    [['vfs_read'], ['vfs_read']],
    [['vfs_*'], ['vfs_read', 'vfs_readv', 'vfs_weak']],
    [
      ['vfs_*', '!vfs_read'],
      ['vfs_readv', 'vfs_weak'],
    ],
    [
      ['!vfs_read', 'vfs_*'],
      ['vfs_readv', 'vfs_weak'],
    ],
    [['vfs_*', '!vfs_*'], []],
    [
      ['vfs_read', 'vfs_*'],
      ['vfs_read', 'vfs_readv', 'vfs_weak'],
    ],
    [['swap_readpage'], ['swap_readpage.constprop.0.isra.1', 'swap_readpage.isra.0']],
    [['swap_readpage*'], ['swap_readpage.constprop.0.isra.1', 'swap_readpage.isra.0', 'swap_readpage.part.0']],
    [['init'], ['init [ext4]', 'init [xfs]']],
    [['init [xfs]'], ['init [xfs]']],
    [['* [ext4]'], ['ext4_open [ext4]', 'init [ext4]']],
    [
      ['* [*]', '!* [x*]'],
      ['ext4_open [ext4]', 'init [ext4]'],
    ],
    [
      ['*'],
      [...['ext4_open [ext4]', 'init [ext4]', 'init [xfs]'], ...namesOf(kernel(), 'swap_readpage*'), 'twice'].concat([
        'vfs_read',
        'vfs_readv',
        'vfs_weak',
      ]),
    ],
  ];
  for (const [texts, names] of cases) {
    test(JSON.stringify(texts), () => {
      using root = kernel();
      assert.deepEqual(namesOf(root, ...texts), names);
    });
  }
});

test('functions begin where the symbols say, several where they share a name', () => {
  using root = kernel();
  const { functions } = findFunctions(patterns('twice', 'init [xfs]', 'vfs_read'), { root: root.path });
  assert.deepEqual(functions, [
    { name: 'init', module: 'xfs', addresses: [0xffffffffc0001020n] },
    { name: 'twice', module: undefined, addresses: [0xffffffff810000b0n, 0xffffffff810000c0n] },
    { name: 'vfs_read', module: undefined, addresses: [0xffffffff81000010n] },
  ]);
});

test('where no name is shared, the names will do', () => {
  using root = kernel();
  const { functions } = findFunctions(patterns('vfs_read', 'init [xfs]', 'vfs_r*'), { root: root.path });
  assert.deepEqual(functions, [
    { name: 'init', module: 'xfs', addresses: [] },
    { name: 'vfs_read', module: undefined, addresses: [] },
    { name: 'vfs_readv', module: undefined, addresses: [] },
  ]);
});

test('a kernel that hides addresses leaves the names', () => {
  using root = kernel({ hidden: true });
  const { functions } = findFunctions(patterns('twice'), { root: root.path });
  assert.deepEqual(functions, [{ name: 'twice', module: undefined, addresses: [] }]);
});

test('tracefs may be where debugfs has it', () => {
  using root = kernel({ list: '/sys/kernel/debug/tracing' });
  assert.deepEqual(namesOf(root, 'vfs_no*'), []);
});

test('without tracefs the symbols tell, of which some turn out not to be traceable', () => {
  using root = kernel({ list: null });
  assert.deepEqual(namesOf(root, 'vfs_*'), ['vfs_notrace', 'vfs_read', 'vfs_readv', 'vfs_weak']);
});

describe('why a pattern names nothing', () => {
  const cases: readonly [text: string, reason: RegExp, known: string | undefined][] = [
    ['vfs_raed', /has no function of this name, or only in places where the compiler/, 'vfs_read'],
    ['vfs_notrace', /it is there, but can't be traced: marked notrace/, undefined],
    ['vfs_forbidden', /forbids probes there/, undefined],
    ['vfs_data', /has no function of this name/, 'vfs_read'],
    ['nfs_*', /no function of this kernel that can be traced is called so/, 'vfs_read'],
    ['init [btrfs]', /has no function of this name/, 'vfs_read'],
  ];
  for (const [text, reason, known] of cases) {
    test(text, () => {
      using root = kernel();
      const { functions, unmatched } = findFunctions(patterns(text, '!whatever'), { root: root.path });
      assert.deepEqual(functions, []);
      assert.equal(unmatched.length, 1);
      assert.equal(unmatched[0]!.pattern.text, text);
      assert.match(unmatched[0]!.reason, reason);
      assert.equal(unmatched[0]!.known.includes(known ?? 'vfs_read'), known !== undefined);
    });
  }

  test('a kernel that tells nothing', () => {
    using root = new FakeRoot();
    const { functions, unmatched } = findFunctions(patterns('vfs_read'), { root: root.path });
    assert.deepEqual(functions, []);
    assert.match(unmatched[0]!.reason, /doesn't tell its functions/);
  });
});

test('kprobes are there where their event source is', () => {
  using root = new FakeRoot();
  assert.equal(hasKprobes({ root: root.path }), false);
  root.write('/sys/bus/event_source/devices/kprobe/type', '8\n');
  assert.equal(hasKprobes({ root: root.path }), true);
});
