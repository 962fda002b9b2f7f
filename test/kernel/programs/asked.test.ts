import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resultsInKernel } from './steps.ts';

/** As the fixture numbers them. */
const operations = ['anew', 'again', 'perhaps again', 'take'] as const;

/** A time at which something is asked for, or that a beginning takes: 0 where it isn't known. */
type Step = readonly [operation: (typeof operations)[number], time: number];

for (const [name, steps] of Object.entries({
  'what was asked for anew has the last time': [
    ['anew', 101],
    ['anew', 103],
    ['take', 103],
    ['take', 0],
  ],
  'what is asked for again before it begins has both times': [
    ['anew', 101],
    ['again', 103],
    ['take', 101],
    ['take', 103],
    ['take', 0],
  ],
  'the second time stays the second, wherever it is': [
    ['anew', 101],
    ['again', 103],
    ['take', 101],
    ['again', 107],
    ['take', 103],
    ['again', 109],
    ['take', 107],
    ['take', 109],
    ['take', 0],
  ],
  'anew forgets both': [
    ['anew', 101],
    ['again', 103],
    ['anew', 107],
    ['take', 107],
    ['take', 0],
  ],
  'what may have been asked for again has the last time, if it begins twice': [
    ['perhaps again', 101],
    ['perhaps again', 103],
    ['perhaps again', 107],
    ['take', 101],
    ['take', 107],
    ['take', 0],
  ],
  'and is forgotten, if it begins once': [
    ['perhaps again', 101],
    ['perhaps again', 103],
    ['take', 101],
    ['perhaps again', 109],
    ['take', 109],
    ['take', 0],
  ],
} satisfies Record<string, readonly Step[]>)) {
  test(name, () => {
    const results = resultsInKernel(
      'asked',
      steps.map(([operation, time]) => [operations.indexOf(operation), time]),
    );
    assert.deepEqual(
      results,
      steps.map(([operation, time]) => (operation === 'take' ? time : 0)),
    );
  });
}
