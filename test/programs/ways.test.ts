import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HookPlan, ProgramPlan } from '../../src/config/plan.ts';
import { MeterError } from '../../src/errors.ts';
import type { TellHook } from '../../src/kernel/hooks.ts';
import { LibbpfError } from '../../src/libbpf/error.ts';
import { TriedWays } from '../../src/programs/ways.ts';
import { programPlan } from '../helpers/fake-maps.ts';

const programs = ['a', 'b', 'c'].map((name) => ({ name, section: `fentry/${name}` }));
const unknown: TellHook = () => ({ state: 'unknown', reason: '' });

function hook(name: string, ...ways: readonly string[]): HookPlan {
  return {
    name,
    ways: ways.map((way) => ({
      name: `by_${way}`,
      programs: [way],
      constants: new Map([[`is_${way}`, 1]]),
      maps: [`map_${way}`],
    })),
  };
}

function tried(hooks: readonly HookPlan[], needs: ProgramPlan['needs'] = new Map(), tell = unknown): TriedWays {
  return new TriedWays({ ...programPlan('x', []), hooks, needs }, programs, { tell, refuse() {} });
}

function refused(code: number, message = 'x: a: refused'): MeterError {
  return new MeterError('load', message, { cause: new LibbpfError('bpf_object__load', code, []) });
}

test('the next way takes the place of one that failed, with its constants', () => {
  const ways = tried([hook('one', 'a', 'b')]);
  assert.deepEqual([...ways.select().inWays], ['a']);
  assert.deepEqual([...ways.select().constants], [['is_a', 1]]);
  assert.deepEqual([...ways.select().unusedMaps], ['map_b']);
  assert.equal(ways.pass('c', refused(3), true), false);
  assert.equal(ways.pass('a', refused(3), true), true);
  assert.deepEqual([...ways.select().inWays], ['b']);
  assert.deepEqual([...ways.select().constants], [['is_b', 1]]);
  assert.deepEqual([...ways.select().unusedMaps], ['map_a']);
  // It isn't tried any more, so its failing again is another's matter.
  assert.equal(ways.pass('a', refused(3), true), false);
});

test('a lack of rights is told as what it is, unless a later way needs none', () => {
  const error = refused(1, 'x: a: EPERM: CAP_PERFMON is missing');
  const without = tried([hook('one', 'a', 'b')]);
  without.pass('a', error, false);
  without.pass('b', refused(3), true);
  assert.deepEqual(
    without.outcomes().map((outcome) => [outcome.way, outcome.error]),
    [[undefined, error]],
  );
  const other = tried([hook('one', 'a', 'b')]);
  other.pass('a', error, false);
  assert.deepEqual(
    other.outcomes().map((outcome) => [outcome.way, outcome.error, outcome.passed[0]?.isLack]),
    [['by_b', undefined, false]],
  );
});

test('a kind of hooks that is refused to everybody at load is tried once', () => {
  const layout = ['fentry/a', 'fentry/b', 'kprobe/c'].map((section) => ({ name: section.at(-1)!, section }));
  const plan = { ...programPlan('x', []), hooks: [hook('one', 'a', 'c'), hook('two', 'b', 'c')] };
  const trying = () => {
    const refusals: string[] = [];
    const tell: TellHook = (section) =>
      refusals.length > 0 && section.startsWith('fentry/') ? { state: 'missing', reason: 'refused' } : unknown(section);
    const ways = new TriedWays(plan, layout, { tell, refuse: (section) => refusals.push(section) });
    return { ways, refusals, wanted: () => [...ways.select().inWays] };
  };
  const at = (code: 'load' | 'attach', errno: number) =>
    new MeterError(code, 'x: a', { cause: new LibbpfError('', errno, []) });

  const all = trying();
  assert.ok(all.ways.pass('a', at('load', 1), true));
  assert.deepEqual([all.refusals, all.wanted()], [['fentry/a'], ['c']]);
  assert.deepEqual(
    all.ways.outcomes().map(({ way, passed }) => [way, passed.map(({ cause }) => cause)]),
    [
      ['by_c', ['EPERM']],
      ['by_c', ['refused']],
    ],
  );
  // Another error, a right that the process could have, and what loaded and failed after: its hook's matter alone.
  for (const [error, isLack] of [
    [at('load', 3), true],
    [at('load', 1), false],
    [at('attach', 1), true],
  ] as const) {
    const one = trying();
    one.ways.pass('a', error, isLack);
    assert.deepEqual([one.refusals, one.wanted()], [[], ['c', 'b']]);
  }
});

test('what a kernel is known to lack is passed over before and between', () => {
  const tell: TellHook = (section) =>
    section === 'fentry/b' ? { state: 'there' } : { state: 'missing', reason: `no ${section}` };
  const ways = tried([hook('one', 'a', 'b', 'c'), hook('two', 'c')], new Map(), tell);
  assert.deepEqual([...ways.select().inWays], ['b']);
  ways.pass('b', refused(22), true);
  assert.deepEqual(
    ways.outcomes().map(({ hook: name, passed }) => [name, passed.map(({ way, cause }) => `${way} ${cause}`)]),
    [
      ['one', ['by_a no fentry/a', 'by_b EINVAL', 'by_c no fentry/c']],
      ['two', ['by_c no fentry/c']],
    ],
  );
});

test('what only absent metrics need is not tried, and nothing is said of it', () => {
  const needs = new Map([
    ['gone', { programs: ['one', 'two', 'c'], any: [] }],
    ['there', { programs: undefined, any: [] }],
  ]);
  const ways = tried([hook('one', 'a'), hook('two', 'b')], needs);
  ways.pass('a', refused(2), true);
  const { inWays, unneeded } = ways.select();
  assert.deepEqual([...inWays], []);
  assert.deepEqual([...unneeded].sort(), ['c', 'one', 'two']);
  assert.deepEqual(ways.absent('6.1.0', true), [
    { metrics: ['gone'], level: 'info', reason: 'x: Linux 6.1.0 has no way in to the hook "one" (by_a: ENOENT)' },
  ]);
});

test('metrics that name nothing are absent where nothing is attached', () => {
  const needs = new Map([['all', { programs: undefined, any: [] }]]);
  const ways = tried([hook('one', 'a')], needs);
  ways.pass('a', refused(2), true);
  const metrics = (isAttached: boolean) => ways.absent('6.1.0', isAttached).map((absent) => absent.metrics);
  assert.deepEqual(metrics(false), [['all']]);
  assert.deepEqual(metrics(true), [[]]);
});

test('hooks that the same metrics lack are one line, and so are those that leave all metrics', () => {
  const needs = new Map([
    ['gone', { programs: undefined, any: ['one', 'two'] }],
    ['there', { programs: undefined, any: ['three', 'four', 'd'] }],
  ]);
  const ways = tried([hook('one', 'a'), hook('two', 'b', 'c'), hook('three', 'e'), hook('four', 'f')], needs);
  for (const [program, errno] of [
    ['a', 2],
    ['b', 2],
    ['c', 3],
    ['e', 22],
    ['f', 22],
  ] as const) {
    ways.pass(program, refused(errno), true);
  }
  assert.deepEqual(ways.absent('6.1.0', true), [
    {
      metrics: ['gone'],
      level: 'info',
      reason: 'x: Linux 6.1.0 has no way in to the hooks "one", "two" (ENOENT; ESRCH)',
    },
    {
      metrics: [],
      level: 'info',
      reason: 'x: Linux 6.1.0 has no way in to the hooks "three", "four" (EINVAL); still counted: there',
    },
  ]);
});

test('a BPF program that another way needs is not unneeded', () => {
  const needs = new Map([
    ['gone', { programs: ['one', 'b'], any: [] }],
    ['there', { programs: ['two'], any: [] }],
  ]);
  const ways = tried([hook('one', 'a'), hook('two', 'b')], needs);
  ways.pass('a', refused(2), true);
  assert.deepEqual([...ways.select().inWays], ['b']);
  assert.deepEqual([...ways.select().unneeded], ['one']);
});
