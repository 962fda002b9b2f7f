import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startProgram } from '../../../src/programs/start.ts';
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
  const none = { alarmtimer_cancel: 0, alarmtimer_fired: 0, alarmtimer_start: 0, itimer_expire: 0 };
  assert.deepEqual(Object.fromEntries(await counts.numbers('events')), { ...none, itimer_state: 0 });
  call('timer', 997);
  assert.deepEqual(Object.fromEntries(await counts.numbers('events')), { ...none, itimer_state: 997 });
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
