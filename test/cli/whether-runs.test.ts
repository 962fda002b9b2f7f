import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attachLines, programHooks, whetherRuns } from '../../src/cli/whether-runs.ts';
import type { ProgramPlan } from '../../src/config/plan.ts';
import type { TellHook } from '../../src/kernel/hooks.ts';
import type { Environment } from '../../src/programs/reasons.ts';
import { programPlan } from '../helpers/fake-maps.ts';

const programs = [
  { name: 'on_switch', section: 'tp_btf/sched_switch' },
  { name: 'enter', section: 'fentry/read' },
  { name: 'leave', section: 'fexit/read' },
  { name: 'probe', section: 'kprobe/read' },
  { name: 'other', section: 'fentry/gone' },
];
const way = (name: string, ...taken: readonly string[]) => ({ name, programs: taken, constants: new Map(), maps: [] });
const read = { name: 'read', ways: [way('fentry', 'enter', 'leave'), way('kprobe', 'probe')] };
const gone = { name: 'gone', ways: [way('only', 'other')] };
const root: Environment = {
  capabilities: new Set(['CAP_BPF', 'CAP_PERFMON', 'CAP_SYS_ADMIN']),
  tracefs: true,
  btf: true,
  perfEventParanoid: 3,
  release: '6.1.0',
  confinement: { seccomp: false, lockdown: undefined, userNamespace: false, lockedMemory: Infinity },
};

function hooksOf(hooks: ProgramPlan['hooks'], skip: readonly string[]) {
  return programHooks({ ...programPlan('x', []), hooks, skip: new Set(skip) }, programs, []);
}

/** Tells of these sections that they are there or, with a reason, what they lack; of all others nothing. */
const telling =
  (known: Record<string, string | true>): TellHook =>
  (section) => {
    const told = known[section];
    if (told === undefined) return { state: 'unknown', reason: 'only by attaching' };
    return told === true ? { state: 'there' } : { state: 'missing', reason: told };
  };

const all = ['enter', 'leave', 'probe', 'other'];

test('what a program attaches to, and its ways in their order', () => {
  assert.deepEqual(attachLines(hooksOf([read, gone], all)), [
    'attaches to tp_btf/sched_switch',
    'attaches for read by fentry (fentry/read, fexit/read), else by kprobe (kprobe/read)',
    'attaches for gone by only (fentry/gone)',
  ]);
  assert.deepEqual(attachLines(hooksOf([gone], [...all, 'on_switch'])), ['attaches for gone by only (fentry/gone)']);
});

for (const [what, hooks, known, environment, expected] of [
  ['nothing is known', [read], {}, root, 'may run here: only by attaching; first tried: read by fentry'],
  [
    'the first way is there',
    [read],
    { 'tp_btf/sched_switch': true, 'fentry/read': true, 'fexit/read': true },
    root,
    'can run here; first tried: read by fentry',
  ],
  [
    'the first way is missing in part',
    [read],
    { 'tp_btf/sched_switch': true, 'fexit/read': 'no read', 'kprobe/read': true },
    root,
    'can run here; first tried: read by kprobe',
  ],
  [
    'a hook is missing',
    [read, gone],
    { 'tp_btf/sched_switch': true, 'fentry/gone': 'no gone' },
    root,
    'can run here only in part: no way in to gone: no gone; first tried: read by fentry',
  ],
  [
    'all is missing',
    [read],
    { 'tp_btf/sched_switch': 'no switch', 'fentry/read': 'no read', 'kprobe/read': 'no probe' },
    root,
    "can't run here: no switch; no way in to read: no read, no probe",
  ],
  [
    'a part is there, of the other nothing is known',
    [read],
    { 'tp_btf/sched_switch': true },
    root,
    'can run here at least in part: only by attaching; first tried: read by fentry',
  ],
  [
    'the way that would be tried needs a right',
    [read],
    { 'fentry/read': 'no read' },
    { ...root, capabilities: new Set(['CAP_BPF', 'CAP_PERFMON'] as const) },
    "can't run here: CAP_SYS_ADMIN is missing",
  ],
  [
    'a way that would not be tried needs a right',
    [read],
    {},
    { ...root, capabilities: new Set(['CAP_BPF', 'CAP_PERFMON'] as const) },
    'may run here: only by attaching; first tried: read by fentry',
  ],
] as const) {
  test(`whether it runs where ${what}`, () => {
    assert.equal(whetherRuns(hooksOf(hooks, all), telling(known), environment), expected);
  });
}
