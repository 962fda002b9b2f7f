import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { exportErrorText, exportErrorType, exportRemedy } from '../../src/readers/export-error.ts';

test('every gRPC status has its name', () => {
  for (const [name, code] of Object.entries(status).filter(([, value]) => typeof value === 'number')) {
    assert.equal(exportErrorType(Object.assign(new Error(), { code })), name);
  }
});

test('other errors are named by code or class, what is no error by _OTHER', () => {
  assert.equal(exportErrorType(Object.assign(new Error(), { code: 'EPIPE' })), 'EPIPE');
  assert.equal(exportErrorType(new TypeError()), 'TypeError');
  assert.equal(exportErrorType(Object.assign(new Error(), { code: 99 })), '_OTHER');
  assert.equal(exportErrorType(undefined), '_OTHER');
});

test("the reason's words are without what says nothing", () => {
  const refused = '14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:4317';
  assert.equal(exportErrorText(new Error(`${refused}. Resolution note: `)), refused);
  assert.equal(
    exportErrorText(new Error('4 DEADLINE_EXCEEDED: Deadline exceeded.')),
    '4 DEADLINE_EXCEEDED: Deadline exceeded.',
  );
});

test('remedies are for what an operator can change', () => {
  assert.match(exportRemedy('UNAVAILABLE')!, /Collector/);
  assert.equal(exportRemedy('CANCELLED'), undefined);
});
