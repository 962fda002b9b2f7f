import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Page } from '../../../../src/readers/prometheus/page/page.ts';
import { PageBuffer, PagePool } from '../../../../src/readers/prometheus/page/page-buffer.ts';

function makePage(pool: PagePool, text: string): Page {
  const buffer = new PageBuffer(pool, text.length);
  buffer.text(text);
  return new Page(buffer);
}

describe('Page', () => {
  it('is compressed once for those who still want it, and not for those who have gone', async () => {
    const pool = new PagePool();
    const page = makePage(pool, 'metrics\n');
    // So many that most wait for their turn.
    const others = Array.from({ length: 20 }, () => makePage(pool, 'others\n'));
    const running = others.map((other) => other.compressed('gzip'));
    const gone = new AbortController();
    const dropped = page.compressed('gzip', gone.signal);
    gone.abort();
    await assert.rejects(dropped, { name: 'AbortError' });
    const leaving = new AbortController();
    const first = page.compressed('gzip', leaving.signal);
    const second = page.compressed('gzip', new AbortController().signal);
    assert.equal(first, second);
    leaving.abort();
    assert.equal(gunzipSync(await second).toString(), 'metrics\n');
    for (const bytes of await Promise.all(running)) assert.equal(gunzipSync(bytes).toString(), 'others\n');
  });

  it('gives its buffer back when the last has gone whose compression never began', async () => {
    const pool = new PagePool();
    const page = makePage(pool, 'metrics\n');
    const { buffer } = page.bytes;
    const running = Array.from({ length: 20 }, () => makePage(pool, 'others\n').compressed('gzip'));
    const gone = new AbortController();
    const dropped = page.compressed('gzip', gone.signal);
    page.release();
    gone.abort();
    await assert.rejects(dropped);
    assert.equal(pool.take(1).buffer, buffer);
    await Promise.all(running);
  });
});
