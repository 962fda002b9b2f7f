import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resultsInKernel } from './steps.ts';

/** Process ids of one line of the table, as queued_line() finds it. */
const line = Math.imul(1, 0x9e3779b1) >>> 20;
const [a, b, c, d, e] = Array.from({ length: 65_536 }, (_, i) => i + 1).filter(
  (pid) => Math.imul(pid, 0x9e3779b1) >>> 20 === line,
) as [number, number, number, number, number];

const whats = ['woken', 'preempted', 'preempted asleep', 'runs'] as const;
/** When it begins to wait; or since when it waited that runs, 0 where nothing tells. */
type Step = readonly [what: (typeof whats)[number], pid: number, time: number];

for (const [name, steps] of Object.entries({
  'a wait begins when the task is woken or preempted': [
    ['woken', a, 101],
    ['runs', a, 101],
    ['preempted', a, 103],
    ['runs', a, 103],
    ['runs', a, 0],
  ],
  'four tasks of a line wait at a time': [
    ['woken', a, 101],
    ['woken', b, 103],
    ['woken', c, 107],
    ['woken', d, 109],
    ['runs', c, 107],
    ['runs', a, 101],
    ['runs', d, 109],
    ['runs', b, 103],
  ],
  'a place that was left is taken before another is displaced': [
    ['woken', a, 101],
    ['woken', b, 103],
    ['woken', c, 107],
    ['woken', d, 109],
    ['runs', b, 103],
    ['woken', e, 113],
    ['runs', a, 101],
    ['runs', c, 107],
    ['runs', d, 109],
    ['runs', e, 113],
  ],
  'the fifth displaces the one that waits longest, which then knows of no wait': [
    ['woken', a, 103],
    ['woken', b, 107],
    ['woken', c, 101],
    ['woken', d, 109],
    ['woken', e, 113],
    ['runs', c, 0],
    ['runs', a, 103],
    ['runs', b, 107],
    ['runs', d, 109],
    ['runs', e, 113],
  ],
  'one that is woken after it was preempted on its way to sleep has waited since then': [
    ['preempted asleep', a, 101],
    ['woken', a, 103],
    ['runs', a, 101],
    ['woken', a, 107],
    ['runs', a, 107],
  ],
  'a stamp that was left behind gives way to the next wake-up or preemption': [
    ['woken', a, 101],
    ['woken', a, 103],
    ['runs', a, 103],
    ['preempted', a, 107],
    ['woken', a, 109],
    ['runs', a, 109],
    ['preempted asleep', a, 113],
    ['preempted', a, 127],
    ['runs', a, 127],
  ],
} satisfies Record<string, readonly Step[]>)) {
  test(name, () => {
    const told = resultsInKernel(
      'queued',
      steps.map(([what, pid, time]) => [whats.indexOf(what), pid, what === 'runs' ? 0 : time]),
    );
    assert.deepEqual(
      steps.map(([what, pid], i) => [what, pid, told[i]]),
      steps,
    );
  });
}
