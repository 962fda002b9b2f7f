import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResolveOptions } from '../../../src/config/resolve/program.ts';
import { errors, plan } from './resolving.ts';
import { array, bool, layout, map, u8, u64, variable } from './types.ts';

const object = layout({
  variables: [
    variable('own_stamp', '.rodata', bool, 0),
    variable('level', '.rodata', u8, 1),
    variable('enable_read', '.rodata', bool, 2),
    variable('reads', '.bss', u64, 0),
    variable('writes', '.bss', u64, 8),
    variable('table', '.bss', array(u64, 2), 16),
  ],
  maps: [map('stamps', 'hash', u64, u64), map('other', 'hash', u64, u64)],
  programs: ['ext4_fentry', 'ext4_fexit', 'ext4_kprobe', 'xfs_fentry', 'on_switch', 'on_wakeup', 'on_exit'],
});

const hooks = `hooks:
  ext4_read:
    fentry: [ext4_fentry, ext4_fexit]
    kprobe: ext4_kprobe
  xfs_read: {only: [xfs_fentry]}
  latency:
    kernel: on_switch
    own-1.0: {programs: [on_switch, on_wakeup], constants: {own_stamp: true, level: 7}, maps: stamps}
`;
const metrics = (...lines: readonly string[]) =>
  `metrics:\n  counters:\n${lines.map((line) => `    - ${line}\n`).join('')}`;
const reads = '{name: reads, needs: {any: [ext4_read, xfs_read], constants: [enable_read]}}';
const writes = '{name: writes, needs: {programs: [latency, on_switch]}}';

const none = new Map();
const ext4 = {
  name: 'ext4_read',
  ways: [
    { name: 'fentry', programs: ['ext4_fentry', 'ext4_fexit'], constants: none, maps: [] },
    { name: 'kprobe', programs: ['ext4_kprobe'], constants: none, maps: [] },
  ],
};
const xfs = { name: 'xfs_read', ways: [{ name: 'only', programs: ['xfs_fentry'], constants: none, maps: [] }] };
const kernel = { name: 'kernel', programs: ['on_switch'], constants: none, maps: [] };
const own = {
  name: 'own-1.0',
  programs: ['on_switch', 'on_wakeup'],
  constants: new Map([
    ['own_stamp', 1],
    ['level', 7],
  ]),
  maps: ['stamps'],
};

function loads(yaml: string, more: Partial<ResolveOptions> = {}) {
  const { hooks, skip, needs, constants } = plan(yaml, object, more);
  return { hooks, skip: [...skip].sort(), needs: [...needs], constants: [...constants] };
}

test('a hook has its ways in their order, and what is in ways is not loaded by itself', () => {
  assert.deepEqual(loads(hooks + metrics(reads, writes)), {
    hooks: [ext4, xfs, { name: 'latency', ways: [kernel, own] }],
    // on_switch is needed as it is, too; on_exit is named nowhere, so it is loaded.
    skip: ['ext4_fentry', 'ext4_fexit', 'ext4_kprobe', 'on_wakeup', 'xfs_fentry'],
    needs: [
      ['ebpf.reads', { programs: undefined, any: ['ext4_read', 'xfs_read'] }],
      ['ebpf.writes', { programs: ['latency', 'on_switch'], any: [] }],
    ],
    // A way's constants are no part of it.
    constants: [['enable_read', 1]],
  });
});

test('a hook that no enabled metric needs is left out with its BPF programs', () => {
  const { hooks: left, skip } = loads(hooks + metrics(reads, writes), { metrics: ['reads'] });
  assert.deepEqual(left, [ext4, xfs]);
  assert.deepEqual(skip, ['ext4_fentry', 'ext4_fexit', 'ext4_kprobe', 'on_switch', 'on_wakeup', 'xfs_fentry']);
});

test('a hook that no metric names is there for all of them', () => {
  assert.deepEqual(loads(`hooks: {ext4_read: {one: ext4_fentry}}\n${metrics('{name: reads}')}`), {
    hooks: [{ name: 'ext4_read', ways: [{ name: 'one', programs: ['ext4_fentry'], constants: none, maps: [] }] }],
    skip: ['ext4_fentry'],
    needs: [['ebpf.reads', { programs: undefined, any: [] }]],
    constants: [],
  });
});

test('`any` may name BPF programs, which are loaded for it', () => {
  const yaml =
    hooks +
    metrics('{name: reads, needs: {any: [ext4_read, on_exit]}}', '{name: writes, needs: {programs: [xfs_read]}}');
  const { skip, needs } = loads(yaml, { metrics: ['reads'] });
  assert.deepEqual(needs, [['ebpf.reads', { programs: undefined, any: ['ext4_read', 'on_exit'] }]]);
  assert.ok(!skip.includes('on_exit'));
});

test('the operator chooses the only way to be tried', () => {
  const ways = new Map([
    ['latency', 'own-1.0'],
    ['ext4_read', 'kprobe'],
  ]);
  assert.deepEqual(loads(hooks + metrics(reads, writes), { ways }).hooks, [
    { ...ext4, ways: [ext4.ways[1]] },
    xfs,
    { name: 'latency', ways: [own] },
  ]);
});

test('a way that is no default is tried only where the operator names it', () => {
  const yaml = `hooks:
  latency:
    own-1.0: {programs: [on_switch, on_wakeup], constants: {own_stamp: true, level: 7}, maps: stamps}
    kernel: {programs: on_switch, maps: other, default: false}
${metrics('{name: writes, needs: {programs: [latency]}}')}`;
  const tried = (more: Partial<ResolveOptions> = {}) => {
    const { hooks, skipMaps } = plan(yaml, object, more);
    return [hooks.flatMap(({ ways }) => ways.map(({ name }) => name)), [...skipMaps]];
  };
  assert.deepEqual(tried(), [['own-1.0'], ['other']]);
  assert.deepEqual(tried({ ways: new Map([['latency', 'kernel']]) }), [['kernel'], ['stamps']]);
});

test("the file's own value of a constant holds where no way sets it", () => {
  const { constants } = loads(
    `constants: {level: 3}\n${hooks}${metrics('{name: writes, needs: {programs: [latency]}}')}`,
  );
  assert.deepEqual(constants, [['level', 3]]);
});

test('maps of ways that are not to be tried are not created', () => {
  const maps = (more: Partial<ResolveOptions> = {}) => [...plan(hooks + metrics(reads, writes), object, more).skipMaps];
  assert.deepEqual(maps(), []);
  assert.deepEqual(maps({ metrics: ['reads'] }), ['stamps']);
  assert.deepEqual(maps({ ways: new Map([['latency', 'kernel']]) }), ['stamps']);
  assert.deepEqual(maps({ ways: new Map([['latency', 'own-1.0']]) }), []);
});

const at = (setting: string) => (asked: string) =>
  asked === setting ? { file: 'o.yaml', line: 9, column: 8, excerpt: '' } : undefined;
const one = '\nmetrics: {counters: [{name: reads}]}';
const chosen = (hook: string, way: string) => new Map([[hook, way]]);

const wrong: readonly (readonly [string, string | readonly string[], Partial<ResolveOptions>?])[] = [
  // the file alone
  [`hooks: [a]${one}`, '1:8: "hooks" must be a map, not a list'],
  [`hooks: {a b: {w: on_exit}}${one}`, '1:9: hook name "a b" may have letters, digits and _ only'],
  [`hooks: {a: }${one}`, '1:9: hook "a" has no ways: write WAY: BPF_PROGRAM below it'],
  [`hooks: {a: {}}${one}`, '1:9: hook "a" has no ways: write WAY: BPF_PROGRAM below it'],
  [`hooks: {a: [on_exit]}${one}`, '1:12: "a" must be a map, not a list'],
  [`hooks: {a: on_exit}${one}`, '1:12: "a" must be a map, not "on_exit"'],
  [`hooks: {a: {w/x: on_exit}}${one}`, '1:13: way name "w/x" may have letters, digits and _ . - only'],
  [`hooks: {a: {w: }}${one}`, '1:13: way "w" of hook "a" has no BPF programs'],
  [`hooks: {a: {w: []}}${one}`, '1:13: way "w" of hook "a" has no BPF programs'],
  [`hooks: {a: {w: {programs: []}}}${one}`, '1:13: way "w" of hook "a" has no BPF programs'],
  [`hooks: {a: {w: {programs: }}}${one}`, '1:13: way "w" of hook "a" has no BPF programs'],
  [`hooks: {a: {w: {constants: {level: 1}}}}${one}`, '1:16: "w" has no "programs"'],
  [
    `hooks: {a: {w: {program: on_exit}}}${one}`,
    ['1:16: "w" has no "programs"', '1:17: unknown key "program", did you mean "programs"?'],
  ],
  [`hooks: {a: {w: [[on_exit]]}}${one}`, '1:17: item 1 of "w" must be a text, not a list'],
  [
    `hooks: {a: {w: {programs: on_exit, default: false}}}${one}`,
    '1:9: hook "a" has no way that is taken unless another is named: leave "default: false" out of one',
  ],
  [`hooks: {a: {w: {programs: on_exit, default: maybe}}}${one}`, '1:45: "default" must be true or false, not "maybe"'],
  [`hooks: {a: {w: [on_exit, on_exit]}}${one}`, '1:26: BPF program "on_exit" is there twice'],
  [
    `hooks: {a: {w: {programs: on_exit, constants: {level: 1.5}}}}${one}`,
    '1:55: "level" must be an integer, not "1.5"',
  ],
  [`hooks: {a: {w: on_exit}, a: {w: on_exit}}${one}`, '1:26: Map keys must be unique'],
  ['metrics: {counters: [{name: reads, needs: {any: []}}]}', '1:49: "any" names nothing'],
  ['metrics: {counters: [{name: reads, needs: {any: }}]}', '1:49: "any" names nothing'],
  ['metrics: {counters: [{name: reads, needs: {any: on_exit}}]}', '1:49: "any" must be a list, not "on_exit"'],

  [`hooks: {a: {w: {programs: on_exit, maps: {}}}}${one}`, '1:42: "maps" must be a text, not a map'],
  [`hooks: {a: {w: {programs: on_exit, maps: [stamps, stamps]}}}${one}`, '1:51: map "stamps" is there twice'],

  // against the object
  [
    `hooks: {a: {w: {programs: on_exit, maps: [stamp]}}}${one}`,
    '1:43: no BPF map "stamp" in x.bpf.o, did you mean "stamps"?',
  ],
  [`hooks: {a: {w: on_exti}}${one}`, '1:16: no BPF program "on_exti" in x.bpf.o, did you mean "on_exit"?'],
  [`hooks: {on_exit: {w: on_switch}}${one}`, '1:9: hook "on_exit": a BPF program of x.bpf.o has this name'],
  [
    `hooks: {a: {w: {programs: on_exit, constants: {levle: 1}}}}${one}`,
    '1:55: no constant "levle" in .rodata of x.bpf.o, did you mean "level"?',
  ],
  [
    `hooks: {a: {w: {programs: on_exit, constants: {level: 256}}}}${one}`,
    '1:55: constant "level" is u8: 256 is not from 0 to 255',
  ],
  [
    `hooks: {a: {w: {programs: on_exit, constants: {enable_read: 1}}}}\nmetrics: {counters: [{name: reads, needs: {constants: [enable_read]}}]}`,
    '1:61: constant "enable_read" is set by the metrics that need it',
  ],
  [
    `hooks:\n  a: {w: {programs: on_exit, constants: {level: 1}}}\n  b: {w: {programs: on_switch, constants: {level: 2}}}${one}`,
    '3:51: constant "level" is set by hook "a" too',
  ],
  [
    'hooks: {ext4_read: {w: on_exit}}\nmetrics: {counters: [{name: reads, needs: {programs: [ext4_raed]}}]}',
    '2:55: no hook or BPF program "ext4_raed" in x.bpf.o, did you mean "ext4_read"?',
  ],
  [
    'hooks: {ext4_read: {w: on_exit}}\nmetrics: {counters: [{name: reads, needs: {any: [ext4_read, on_exti]}}]}',
    '2:61: no hook or BPF program "on_exti" in x.bpf.o, did you mean "on_exit"?',
  ],
  [
    'metrics: {counters: [{name: reads, needs: {any: [on_exti]}}]}',
    '1:50: no BPF program "on_exti" in x.bpf.o, did you mean "on_exit"?',
  ],

  // what the operator says
  [
    hooks + metrics(writes),
    '1:1: the exporter\'s configuration: program "x" has no hook "latencies", did you mean "latency"?',
    { ways: chosen('latencies', 'kernel') },
  ],
  [
    hooks + metrics(writes),
    'o.yaml:9:8: program "x" has no hook "latencies", did you mean "latency"?',
    { ways: chosen('latencies', 'kernel'), placeOf: at('ways.latencies') },
  ],
  [
    `${one}`,
    'o.yaml:9:8: program "x" has no hook "latency"; it has no hooks with several ways',
    { ways: chosen('latency', 'kernel'), placeOf: at('ways.latency') },
  ],
  [
    hooks + metrics(writes),
    'o.yaml:9:8: hook "latency" has no way "own"; known: kernel, own-1.0',
    { ways: chosen('latency', 'own'), placeOf: at('ways.latency.own') },
  ],
  [
    hooks + metrics(writes),
    '1:1: the exporter\'s configuration: hook "latency" has no way "kernl", did you mean "kernel"?',
    { ways: chosen('latency', 'kernl') },
  ],
  [
    hooks + metrics(writes),
    'o.yaml:9:8: constant "level" is set by the way in to hook "latency": choose that with "ways"',
    { constants: new Map([['level', 1]]), placeOf: at('constants.level') },
  ],
];

for (const [yaml, expected, more] of wrong) {
  test(`wrong: ${expected}`, () => {
    const all = [expected].flat().map((text) => (text.startsWith('o.yaml') ? text : `x.yaml:${text}`));
    assert.deepEqual(errors(yaml, object, more).sort(), all);
  });
}
