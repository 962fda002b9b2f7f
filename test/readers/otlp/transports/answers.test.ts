import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readResponse, readStatus, retryAfterMs } from '../../../../src/readers/otlp/transports/answers.ts';
import { BackOff } from '../../../../src/readers/otlp/transports/back-off.ts';
import { messageField, stringField } from '../../../../src/readers/wire/protobuf.ts';
import { PARTIAL_SUCCESS, retryStatus } from '../../../helpers/otlp-server.ts';

const retryInfo = 'type.googleapis.com/google.rpc.RetryInfo';

describe('answers', () => {
  test('partial success', () => {
    assert.deepEqual(readResponse(PARTIAL_SUCCESS), { points: 3, message: 'too old' });
    const warning = messageField(1, [stringField(2, 'deprecated')]);
    assert.deepEqual(readResponse(warning), { points: 0, message: 'deprecated' });
    for (const none of [new Uint8Array(0), messageField(1, []), Buffer.from('ok'), Buffer.from([0x0a, 200])]) {
      assert.equal(readResponse(none), undefined);
    }
  });

  test('a status with its RetryInfo', () => {
    assert.deepEqual(readStatus(retryStatus(7)), { message: '', retryAfterMs: 7000 });
    const delay = (...bytes: number[]) =>
      messageField(3, [stringField(1, retryInfo), messageField(2, [messageField(1, [Uint8Array.from(bytes)])])]);
    // Nanoseconds: 0x10, 250,000,000 as a varint.
    assert.equal(readStatus(delay(0x08, 1, 0x10, 0x80, 0xe5, 0x9a, 0x77)).retryAfterMs, 1250);
    assert.equal(readStatus(messageField(3, [stringField(1, retryInfo)])).retryAfterMs, 0);
    const other = messageField(3, [stringField(1, 'type.googleapis.com/google.rpc.Help'), messageField(2, [])]);
    assert.deepEqual(readStatus(Buffer.concat([stringField(2, 'no'), other])), {
      message: 'no',
      retryAfterMs: undefined,
    });
    assert.deepEqual(readStatus(Buffer.from('<html>')), { message: '', retryAfterMs: undefined });
  });

  test('a delay below zero is none', () => {
    // -1 s as an int64.
    const seconds = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    const delay = messageField(2, [messageField(1, [Uint8Array.from(seconds)])]);
    assert.equal(readStatus(messageField(3, [stringField(1, retryInfo), delay])).retryAfterMs, 0);
  });

  const now = 'Thu, 01 Jan 2026 00:00:00 GMT';
  for (const [header, expected] of [
    [undefined, undefined],
    ['30', 30_000],
    [' 0 ', 0],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5000],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
    ['soon', undefined],
  ] as const) {
    test(`Retry-After: ${header}`, () => assert.equal(retryAfterMs(header, now), expected));
  }

  test('Retry-After: a date without a Date is held against the clock of this machine', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.parse(now) });
    for (const date of [undefined, 'today']) {
      assert.equal(retryAfterMs('Thu, 01 Jan 2026 00:01:00 GMT', date), 60_000);
    }
  });
});

test('back-off: 1 s, longer each time, at most 5 s, a fifth more or less', () => {
  for (const [random, factor] of [
    [0, 0.8],
    [0.5, 1],
    [1, 1.2],
  ] as const) {
    const backOff = new BackOff(() => random);
    const delays = Array.from({ length: 6 }, () => Math.round(backOff.next()));
    assert.deepEqual(
      delays,
      [1000, 1500, 2250, 3375, 5000, 5000].map((delay) => Math.round(delay * factor)),
    );
  }
});

test('back-off: a receiver may ask for more, up to minutes, but not for less', () => {
  const backOff = new BackOff(() => 0.5);
  assert.deepEqual(
    [0, 7000, 999_999_999_999_000, Number.POSITIVE_INFINITY, 300, 0].map((asked) => backOff.next(asked)),
    [1000, 7000, 300_000, 300_000, 5000, 5000],
  );
  backOff.reset();
  assert.equal(backOff.next(), 1000);
});
