import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  LARGEST_REQUEST_BYTES,
  RequestSize,
  SMALLEST_REQUEST_BYTES,
} from '../../../../src/readers/otlp/encoding/request-size.ts';

const HALF = LARGEST_REQUEST_BYTES / 2;

/** Exports that go well with requests as large as allowed until the limit changes; undefined: it doesn't. */
function exportsUntilChange(size: RequestSize): number | undefined {
  const { limit } = size;
  for (let count = 1; count <= 10_000; count++) {
    size.delivered(limit);
    if (size.limit !== limit) return count;
  }
  return undefined;
}

test('as long as nothing is refused, the limit stays', () => {
  const size = new RequestSize();
  assert.equal(exportsUntilChange(size), undefined);
  assert.equal(size.limit, 2 * 1024 * 1024);
});

test('half of what is refused, down to the smallest', () => {
  const size = new RequestSize();
  const limits: number[] = [];
  let bytes = 2_000_001;
  for (; size.refused(bytes) === 'smaller'; bytes = size.limit) limits.push(size.limit);
  assert.deepEqual(limits, [1_000_000, 500_000, 250_000, 125_000, SMALLEST_REQUEST_BYTES]);
  assert.equal(size.limit, SMALLEST_REQUEST_BYTES);
});

test('a larger request than the limit, of one point alone, is halved too', () => {
  const size = new RequestSize();
  assert.equal(size.refused(3 * LARGEST_REQUEST_BYTES), 'smaller');
  assert.ok(size.limit <= 3 * HALF);
});

test('twice the size is tried again, and kept where it is taken, up to the largest', () => {
  const size = new RequestSize();
  size.refused(LARGEST_REQUEST_BYTES);
  size.refused(HALF);
  assert.equal(size.limit, HALF / 2);
  assert.equal(exportsUntilChange(size), 10);
  assert.equal(size.limit, HALF);
  // The first of these proves it.
  assert.equal(exportsUntilChange(size), 11);
  assert.equal(size.limit, LARGEST_REQUEST_BYTES);
  assert.equal(exportsUntilChange(size), undefined);
});

test('where that is refused, it is as before at once, and tried again ever more rarely', () => {
  const size = new RequestSize();
  size.refused(LARGEST_REQUEST_BYTES);
  const waits: (number | undefined)[] = [];
  for (let i = 0; i < 9; i++) {
    waits.push(exportsUntilChange(size));
    assert.equal(size.limit, LARGEST_REQUEST_BYTES);
    assert.equal(size.refused(LARGEST_REQUEST_BYTES - 1), 'again');
    assert.equal(size.limit, HALF);
  }
  assert.deepEqual(waits, [10, 20, 40, 80, 160, 320, 640, 640, 640]);
});

test('smaller exports prove nothing: the next large request may still be refused without harm', () => {
  const size = new RequestSize();
  size.refused(LARGEST_REQUEST_BYTES);
  exportsUntilChange(size);
  for (let i = 0; i < 100; i++) size.delivered(HALF);
  assert.equal(size.refused(HALF + 1), 'again');
  assert.equal(size.limit, HALF);
});

test('what was taken before and is refused while more is tried is halved', () => {
  const size = new RequestSize();
  size.refused(LARGEST_REQUEST_BYTES);
  exportsUntilChange(size);
  assert.equal(size.refused(HALF), 'smaller');
  assert.equal(size.limit, HALF / 2);
});
