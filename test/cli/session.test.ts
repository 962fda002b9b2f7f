import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readingLog } from '../../src/cli/session.ts';
import { Log } from '../../src/log.ts';

it('a map that cannot be read is logged when that begins and when it ends', () => {
  const entries: string[] = [];
  const log = new Log({ level: 'info', format: 'json', write: (text) => entries.push(JSON.parse(text).message) });
  const note = readingLog(log);
  const [one, two] = [new Error('map one: EPERM'), new Error('map two: EPERM')];
  for (const errors of [[], [one], [one], [one, two], [two], [], [], [one]]) note({ errors });
  assert.deepEqual(entries, [
    'map one: EPERM',
    'map two: EPERM',
    'no longer: map one: EPERM',
    'no longer: map two: EPERM',
    'map one: EPERM',
  ]);
});
