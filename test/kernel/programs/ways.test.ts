import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { release } from 'node:os';
import { test } from 'node:test';
import type { NeedsPlan, ProgramPlan } from '../../../src/config/plan.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { readHooks } from '../../../src/programs/kernel-hooks.ts';
import { loadProgram } from '../../../src/programs/load.ts';
import type { RunningProgram } from '../../../src/programs/running.ts';
import { callGetppid, fixturePlan } from '../../fixtures/plan.ts';

const places = ['first', 'second', 'shared', 'dependent', 'optional', 'always'];
const all = [...places, 'fails_at_load', 'fails_at_attach', 'fails_at_attach_too', 'remembering'];

type Ways = Record<
  string,
  | string
  | readonly string[]
  | { programs: readonly string[]; constants?: Record<string, number>; maps?: readonly string[] }
>;

/** Hooks as in a file; `plainly` is what metrics name beside them. */
function planOf(
  hooks: Record<string, Ways>,
  needs: Record<string, Partial<NeedsPlan>> = {},
  plainly: readonly string[] = [],
): ProgramPlan {
  const inWays = Object.values(hooks).flatMap((ways) =>
    Object.values(ways).flatMap((way) => (typeof way === 'object' && 'programs' in way ? (way.maps ?? []) : [])),
  );
  return fixturePlan('ways', {
    skipMaps: new Set(['possible', 'impossible'].filter((map) => !inWays.includes(map))),
    hooks: Object.entries(hooks).map(([name, ways]) => ({
      name,
      ways: Object.entries(ways).map(([way, value]) => {
        const {
          programs,
          constants = {},
          maps = [],
        } = typeof value === 'object' && 'programs' in value ? value : { programs: [value].flat() };
        return { name: way, programs, constants: new Map(Object.entries(constants)), maps };
      }),
    })),
    skip: new Set(all.filter((name) => !plainly.includes(name))),
    needs: new Map(Object.entries(needs).map(([metric, { programs, any = [] }]) => [metric, { programs, any }])),
  });
}

/** `tells`: what the kernel lacks is known without trying it. */
function run(plan: ProgramPlan, { tells = false } = {}): RunningProgram {
  using hooks = readHooks();
  const tell = tells ? hooks.tell : () => ({ state: 'unknown', reason: 'not asked' }) as const;
  return loadProgram(plan, OpenedObject.open(plan.object!), { ...hooks, tell });
}

function outcomes({ hooks }: RunningProgram): string[] {
  return hooks.map(({ hook, way, passed, error }) => {
    const before = passed.map((one) => `${one.way}: ${one.cause}`).join('; ');
    return [`${hook} by ${way}`, before, error === undefined ? '' : 'refused'].filter(Boolean).join(' | ');
  });
}

function attached({ attached: programs }: RunningProgram): string[] {
  return programs.filter(({ state }) => state === 'attached').map(({ bpfProgram }) => bpfProgram);
}

/** What 97 system calls make it count, by BPF program. */
function counted(program: RunningProgram): Record<string, number> {
  const memory = program.readers.memory('.bss');
  const words = () => {
    const bytes = memory.read();
    return [...new BigUint64Array(bytes.buffer, bytes.byteOffset, places.length)].map(Number);
  };
  const before = words();
  callGetppid(97);
  const counts = words().map((count, index): [string, number] => [places[index]!, count - before[index]!]);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

test('the first way is taken where the kernel takes it', () => {
  using program = run(planOf({ calls: { one: 'first', two: 'second' } }));
  assert.deepEqual(outcomes(program), ['calls by one']);
  assert.deepEqual(counted(program), { first: 97 });
  assert.deepEqual(program.absent, []);
});

for (const [how, failing, cause] of [
  ['at load', 'fails_at_load', 'ESRCH'],
  ['at load, by the verifier', 'dependent', 'EACCES'],
  ['at attach', 'fails_at_attach', 'ENOENT'],
] as const) {
  test(`the next way is taken where the first fails ${how}`, () => {
    const files = readdirSync('/proc/self/fd').length;
    const program = run(planOf({ calls: { one: ['first', failing], two: ['second', 'shared'] } }));
    assert.deepEqual(outcomes(program), [`calls by two | one: ${cause}`]);
    // Nothing of the first way is left.
    assert.deepEqual(counted(program), { second: 97, shared: 97 });
    assert.deepEqual(attached(program), ['second', 'shared']);
    assert.ok(program.attached.every(({ state }) => state !== 'failed'));
    program[Symbol.dispose]();
    assert.equal(readdirSync('/proc/self/fd').length, files);
  });
}

test('ways that the kernel is known to lack are not tried', () => {
  using program = run(planOf({ calls: { one: 'fails_at_load', two: 'second' } }), { tells: true });
  assert.match(outcomes(program).join(), /^calls by two \| one: this kernel has no tracepoint no_such_tracepoint/);
  assert.deepEqual(counted(program), { second: 97 });
});

test('several hooks fail at once and one after the other', () => {
  const program = run(
    planOf({
      one: { a: 'fails_at_attach', b: 'fails_at_load', c: 'first' },
      two: { a: 'fails_at_attach_too', b: 'second' },
      three: { a: 'shared' },
      four: { a: ['fails_at_attach', 'fails_at_attach_too'], b: 'dependent', c: 'optional' },
    }),
  );
  using _program = program;
  assert.deepEqual(outcomes(program), [
    'one by c | a: ENOENT; b: ESRCH',
    'two by b | a: ENOENT',
    'three by a',
    'four by c | a: ENOENT; b: EACCES',
  ]);
  assert.deepEqual(counted(program), { first: 97, second: 97, shared: 97, optional: 97 });
});

test('a section that begins with ? is loaded as part of a way, and only then', () => {
  using taken = run(planOf({ calls: { one: 'optional', two: 'first' } }));
  assert.deepEqual(attached(taken), ['optional']);
  using passed = run(planOf({ calls: { one: ['optional', 'fails_at_attach'], two: 'first' } }));
  assert.deepEqual(attached(passed), ['first']);
});

test('a BPF program may be in ways of several hooks, and needed as it is', () => {
  const hooks = {
    one: { a: ['shared', 'fails_at_attach'], b: 'shared' },
    two: { a: ['shared', 'first'] },
    three: { a: ['second', 'fails_at_load'], b: 'fails_at_attach_too' },
  };
  using program = run(planOf(hooks, {}, ['always', 'second']));
  assert.deepEqual(outcomes(program), ['one by b | a: ENOENT', 'two by a', 'three by undefined | a: ESRCH; b: ENOENT']);
  assert.deepEqual(counted(program), { first: 97, second: 97, shared: 97, always: 97 });
});

test("a way's constants are set when it is taken, and only then", () => {
  const ways = {
    one: { programs: ['shared', 'fails_at_attach'], constants: { weight: 5 } },
    two: { programs: ['shared', 'dependent'], constants: { weight: 3, checked: 1 } },
  };
  using second = run(planOf({ calls: ways }));
  assert.deepEqual(counted(second), { shared: 3 * 97, dependent: 97 });
  using plain = run(planOf({ calls: { one: ways.one, two: 'shared' } }));
  assert.deepEqual(counted(plain), { shared: 97 });
});

test("a way's maps are created when it is taken, and only then", () => {
  const remembering = { programs: ['remembering'], maps: ['impossible'] };
  const failing = { programs: ['first', 'fails_at_attach'], maps: ['possible'] };
  const last = { programs: ['second'], maps: ['possible'] };
  using program = run(planOf({ calls: { failing, last, remembering } }));
  assert.deepEqual(outcomes(program), ['calls by last | failing: ENOENT']);
  assert.equal(program.readers.entries('possible').read().count, 0);
  assert.deepEqual(counted(program), { second: 97 });
  using passed = run(planOf({ calls: { remembering, last } }));
  assert.deepEqual(outcomes(passed), ['calls by last | remembering: EINVAL']);
  assert.deepEqual(counted(passed), { second: 97 });
});

test('what failed under one way is tried again under the next, whose constants may be what it lacked', () => {
  const checked = { programs: ['first', 'dependent'], constants: { checked: 1 } };
  const ways = { kernel: 'dependent', own: checked };
  using program = run(planOf({ calls: ways }, {}, ['dependent']));
  assert.deepEqual(outcomes(program), ['calls by own | kernel: EACCES']);
  assert.deepEqual(counted(program), { first: 97, dependent: 97 });
});

test('what is needed as it is fails for itself when no way is left', () => {
  using program = run(
    planOf({ calls: { one: 'dependent' } }, { plain: { programs: ['dependent'] } }, ['dependent', 'always']),
  );
  assert.deepEqual(outcomes(program), ['calls by undefined | one: EACCES']);
  const failed = program.attached.filter(({ state }) => state === 'failed');
  assert.deepEqual(
    failed.map(({ bpfProgram }) => bpfProgram),
    ['dependent'],
  );
  assert.deepEqual(program.lost, ['plain']);
  assert.deepEqual(counted(program), { always: 97 });
});

test('metrics whose hooks are missing are absent, and what only they need is not loaded', () => {
  const hooks = {
    gone: { a: 'fails_at_load', b: 'fails_at_attach' },
    gone_too: { a: 'fails_at_attach_too' },
    there: { a: 'first' },
    only_for_gone: { a: 'second' },
  };
  const needs = {
    needs_gone: { programs: ['gone', 'only_for_gone', 'shared'] },
    any_there: { any: ['gone', 'there'] },
    all_gone: { any: ['gone', 'gone_too'] },
    any_plain: { any: ['gone_too', 'always'] },
    everything: {},
  };
  using program = run(planOf(hooks, needs, ['shared', 'always']));
  const on = `ways: Linux ${release()} has no way in to the hook`;
  assert.deepEqual(program.absent, [
    {
      metrics: ['needs_gone', 'all_gone'],
      level: 'info',
      reason: `${on} "gone" (a: ESRCH; b: ENOENT)`,
    },
    { metrics: ['all_gone'], level: 'info', reason: `${on} "gone_too" (a: ENOENT)` },
  ]);
  assert.deepEqual(program.lost, []);
  assert.deepEqual(outcomes(program), [
    'gone by undefined | a: ESRCH; b: ENOENT',
    'gone_too by undefined | a: ENOENT',
    'there by a',
  ]);
  assert.deepEqual(counted(program), { first: 97, always: 97 });
});

test('a hook that only one of several metrics could use is told quietly', () => {
  using program = run(
    planOf({ gone: { a: 'fails_at_attach' }, there: { a: 'first' } }, { reads: { any: ['gone', 'there'] } }),
  );
  assert.deepEqual(
    program.absent.map(({ level, metrics }) => [level, metrics]),
    [['info', []]],
  );
});

test('all ways of all hooks fail: nothing is attached, and nothing has failed', () => {
  using program = run(
    planOf({ gone: { a: 'fails_at_load', b: 'fails_at_attach' } }, { reads: { programs: ['gone'] } }),
  );
  assert.deepEqual(attached(program), []);
  assert.ok(program.attached.every(({ state }) => state === 'not loaded'));
  assert.deepEqual(
    program.absent.map(({ metrics }) => metrics),
    [['reads']],
  );
  assert.deepEqual(counted(program), {});
});

test('a fexit or fentry that this kernel refuses is no failure', () => {
  using program = run(planOf({ calls: { one: 'fails_at_attach' } }, { reads: { programs: ['calls'] } }));
  assert.equal(program.hooks[0]?.error, undefined);
  assert.match(program.hooks[0]?.passed[0]?.error.message ?? '', /^ways: fails_at_attach: /);
});
