import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exitStatus } from '../../src/cli/exit-status.ts';
import { MeterError } from '../../src/errors.ts';

describe('exit status', () => {
  for (const [status, error] of [
    [2, new MeterError('usage', 'x')],
    [1, new MeterError('config', 'x')],
    [1, new Error('x')],
  ] as const) {
    it(`ends with ${status} after ${error instanceof MeterError ? error.code : 'an unexpected error'}`, () => {
      assert.equal(exitStatus(error), status);
    });
  }
});
