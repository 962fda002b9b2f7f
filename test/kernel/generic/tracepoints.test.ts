import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startProgram } from '../../../src/programs/start.ts';
import { until } from '../../helpers/deadline.ts';
import { planOf, readCounts } from '../programs/counting.ts';
import { call } from './calls.ts';

function start(patterns: readonly string[], limit = 100) {
  const plan = planOf(`
maps:
  events:
    tracepoints: ${JSON.stringify(patterns)}
    limit: ${limit}
metrics:
  counters:
    - {name: events, map: events}
`);
  const running = startProgram(plan, undefined);
  const errors = running.attached.flatMap(({ error }) => (error === undefined ? [] : [error.message]));
  return { running, errors, counts: readCounts(plan, running) };
}

test('events are counted by tracepoint, and tracepoints without events are 0', async () => {
  const { counts: events, errors } = start(['alarmtimer_*', '!*_suspend', 'itimer_*']);
  using counts = events;
  assert.deepEqual(errors, []);
  const names = ['alarmtimer_cancel', 'alarmtimer_fired', 'alarmtimer_start', 'itimer_expire', 'itimer_state'];
  const before = await counts.numbers('events');
  assert.deepEqual([...before.keys()].sort(), names);
  for (const name of names.slice(0, 4)) assert.equal(before.get(name), 0);
  // Others on the machine may set such a timer too, now and then.
  let counted = before.get('itimer_state')!;
  let grown = 0;
  await until(async () => {
    call('timer', 997);
    const now = (await counts.numbers('events')).get('itimer_state')!;
    grown = now - counted;
    counted = now;
    assert.ok(grown >= 997, String(grown));
    return grown === 997;
  });
  assert.equal(grown, 997);
});

test('each tracepoint is a BPF program of its own, with statistics', () => {
  const { running, counts: events } = start(['sched_process_*']);
  using _counts = events;
  const names = running.attached.map(({ bpfProgram, section }) => [bpfProgram, section]);
  assert.ok(names.length >= 6, String(names));
  for (const [bpfProgram, section] of names) {
    assert.equal(bpfProgram!.replace(/^events:/, 'raw_tp/'), section);
    assert.ok(running.info(bpfProgram!)!.id > 0);
  }
  assert.equal(new Set(names.map(([bpfProgram]) => running.info(bpfProgram!)!.id)).size, names.length);
});

test('one that is not there costs itself alone', async () => {
  const { errors, counts: events } = start(['sched_switch', 'sched_swich', 'sys_no_such*']);
  using counts = events;
  assert.deepEqual(errors, [
    'test.yaml:4:34: "sched_swich": this kernel has no such tracepoint, did you mean "sched_switch"?',
    'test.yaml:4:48: "sys_no_such*": this kernel has no such tracepoint',
  ]);
  assert.ok((await counts.numbers('events')).get('sched_switch')! >= 0);
});

test('more than the limit are none, and so is what is left out', () => {
  const many = start(['sched_*'], 3);
  using _many = many.counts;
  assert.match(many.errors.join(), /^test\.yaml:4:\d+: "sched_\*": \d+ tracepoints, more than the limit of 3$/);
  assert.deepEqual(many.running.lost, ['events']);
  const none = start(['sched_switch', '!sched_*']);
  using _none = none.counts;
  assert.deepEqual(none.errors, ['events: what its globs name is left out by those with "!"']);
});
