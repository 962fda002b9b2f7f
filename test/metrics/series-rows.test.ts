import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HrTime } from '@opentelemetry/api';
import { SeriesRows } from '../../src/metrics/series-rows.ts';

const AT: HrTime = [1, 0];

function textOf(rows: SeriesRows, row: number): string {
  return rows.bytes.toString('utf8', rows.starts[row]!, rows.starts[row]! + rows.lengths[row]!);
}

describe('SeriesRows', () => {
  it('gives the same labels the same row until the last entry is gone', () => {
    const rows = new SeriesRows();
    const a = rows.acquire(Buffer.from('a="1"'), AT);
    assert.equal(rows.acquire(Buffer.from('a="1"'), AT), a);
    const identity = rows.identity(a);
    rows.release(a);
    assert.equal(rows.used, 1);
    assert.equal(rows.identity(a), identity);
    rows.release(a);
    assert.equal(rows.used, 0);
  });

  it('reuses a row number under a new identity and start time', () => {
    const rows = new SeriesRows();
    const kept = rows.acquire(Buffer.from('a="kept"'), AT);
    const gone = rows.acquire(Buffer.from('a="gone"'), AT);
    const identity = rows.identity(gone);
    assert.deepEqual(rows.attributes(gone, ['a']), { a: 'gone' });
    rows.release(gone);
    const reused = rows.acquire(Buffer.from('a="new"'), [2, 0]);
    assert.equal(reused, gone);
    assert.notEqual(rows.identity(reused), identity);
    assert.deepEqual(rows.startTime(reused), [2, 0]);
    assert.deepEqual(rows.attributes(reused, ['a']), { a: 'new' });
    assert.deepEqual(rows.startTime(kept), AT);
  });

  it('changes its revision only when rows come or go', () => {
    const rows = new SeriesRows();
    const row = rows.acquire(Buffer.from('a="1"'), AT);
    const { revision } = rows;
    rows.acquire(Buffer.from('a="1"'), AT);
    rows.release(row);
    assert.equal(rows.revision, revision);
    rows.release(row);
    assert.notEqual(rows.revision, revision);
  });

  it('keeps thousands of rows apart while they come and go, and its text within twice what is alive', () => {
    const rows = new SeriesRows();
    const live = new Map<string, number>();
    for (let step = 0; step < 40_000; step++) {
      const text = `device="d${step % 7}",process="${step}"`;
      live.set(text, rows.acquire(Buffer.from(text), AT));
      if (live.size > 2000) {
        const [oldest, row] = live.entries().next().value!;
        live.delete(oldest);
        rows.release(row);
      }
      rows.compact();
    }
    assert.equal(rows.used, 2000);
    for (const [text, row] of live) assert.equal(textOf(rows, row), text);
    const alive = [...live.keys()].reduce((sum, text) => sum + text.length, 0);
    assert.ok(rows.bytes.length < alive * 3 + 200_000, `${rows.bytes.length} bytes for ${alive}`);
    assert.ok(rows.starts.length < 4000, `${rows.starts.length} rows kept`);
  });

  it('gives everything back when the last row is gone', () => {
    const rows = new SeriesRows();
    const made = Array.from({ length: 1000 }, (_, index) => rows.acquire(Buffer.from(`a="${index}"`), AT));
    for (const row of made) rows.release(row);
    assert.deepEqual([rows.length, rows.used, rows.bytes.length, rows.starts.length], [0, 0, 0, 0]);
    assert.equal(rows.acquire(Buffer.from('a="again"'), AT), 0);
  });
});
