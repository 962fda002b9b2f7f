import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { Page } from '../../../src/readers/prometheus/page.ts';
import { PageBuffer, PagePool } from '../../../src/readers/prometheus/page-buffer.ts';
import { scrapeTimeoutMs } from '../../../src/readers/prometheus/scrapes.ts';
import { PrometheusServer, type ServerOptions } from '../../../src/readers/prometheus/server.ts';
import { within } from '../../helpers/deadline.ts';
import { FakeStore } from '../../helpers/fake-rows.ts';
import { fakeContext } from '../../helpers/reader-context.ts';

const servers: PrometheusServer[] = [];
after(() => Promise.all(servers.map((server) => server.close())));

async function start(options: Partial<ServerOptions> = {}) {
  const { context, lines, tallies } = fakeContext(new FakeStore());
  const pool = new PagePool();
  const page = async () => {
    const buffer = new PageBuffer(pool, 100);
    buffer.text('page 1\n');
    return new Page(buffer);
  };
  const server = new PrometheusServer({ ...context, page, ...options });
  servers.push(server);
  const url = await server.listen('127.0.0.1', 0);
  const port = Number(new URL(url).port);
  const rejections = () => Object.fromEntries(tallies.scrapeRejections());
  return { url, port, lines, rejections };
}

/** All that a client gets until the server ends the connection. */
async function received(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  // What arrives after the server has closed is answered with a reset.
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await within(closed, () => `it is still connected after ${JSON.stringify(text)}`);
  return text;
}

describe('limits of the Prometheus server', () => {
  for (const [name, sent] of [
    ['nothing', ''],
    ['half a line', 'GET /met'],
    ['headers without an end', 'GET /metrics HTTP/1.1\r\nHost: a\r\nX: '],
  ]) {
    it(`cuts off who sends ${name}`, async () => {
      const { port, url } = await start({ headersTimeoutMs: 50 });
      const socket = connect(port, '127.0.0.1');
      if (sent !== '') socket.write(sent!);
      const drip = setInterval(() => socket.write(sent === '' ? '' : 'a'), 10);
      assert.match(await received(socket), /^(?:HTTP\/1\.1 408 Request Timeout\r\n|$)/);
      clearInterval(drip);
      assert.equal((await fetch(url)).status, 200);
    });
  }

  it('refuses a head of more than 8 KiB', async () => {
    const { port, url } = await start();
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET /metrics HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(9000)}\r\n\r\n`);
    assert.match(await received(socket), /^HTTP\/1\.1 431 /);
    assert.equal((await fetch(url, { headers: { x: 'a'.repeat(7000) } })).status, 200);
  });

  for (const [name, sent] of [
    ['what is no HTTP', '\x16\x03\x01\x02\x00\x01\x00'],
    ['two lengths', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
  ]) {
    it(`answers 400 to ${name}`, async () => {
      const { port } = await start();
      const socket = connect(port, '127.0.0.1');
      socket.write(sent!);
      assert.match(await received(socket), /^HTTP\/1\.1 400 /);
    });
  }

  it('answers 1,000 connections at once, each with a whole page or 503, and closes those that are more', async () => {
    const { port, rejections, lines } = await start({ maxConnections: 1000 });
    const sockets = Array.from({ length: 1000 }, () => connect(port, '127.0.0.1'));
    await within(Promise.all(sockets.map((socket) => once(socket, 'connect'))), () => 'not all are connected');
    const answers = Promise.all(sockets.map((socket) => received(socket)));
    for (const socket of sockets) socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    // None of the first is closed before it is answered, and each is one too many.
    const extra = await received(connect(port, '127.0.0.1'));
    const texts = await answers;
    const good = texts.filter((text) => text.startsWith('HTTP/1.1 200 OK') && text.endsWith('page 1\n'));
    const busy = texts.filter((text) => text.startsWith('HTTP/1.1 503 ') && /\r\nretry-after: 1\r\n/i.test(text));
    assert.equal(good.length + busy.length, 1000);
    assert.ok(good.length >= 40, `${good.length}`);
    const { overload = 0, connections = 0 } = rejections();
    assert.deepEqual([overload, extra === '' ? 1 : 0], [busy.length, connections]);
    assert.equal(
      lines.filter((line) => line.includes('too many')).length,
      Math.sign(overload) + Math.sign(connections),
    );
  });

  it('answers so many scrapes at once, and the next when one is through', async () => {
    const go = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    let pages = 0;
    const pool = new PagePool();
    const page = async () => {
      if (++pages === 3) asked.resolve();
      await go.promise;
      const buffer = new PageBuffer(pool, 100);
      buffer.text('page 1\n');
      return new Page(buffer);
    };
    const { url, rejections } = await start({ maxScrapes: 3, page });
    const waiting = [1, 2, 3].map(() => fetch(url));
    await asked.promise;
    const busy = await fetch(url);
    assert.deepEqual([busy.status, busy.headers.get('retry-after')], [503, '1']);
    assert.deepEqual(rejections(), { overload: 1 });
    go.resolve();
    for (const answer of await Promise.all(waiting)) assert.equal(await answer.text(), 'page 1\n');
    assert.equal((await fetch(url)).status, 200);
  });

  it('says 503 when the scraper would not wait longer', async () => {
    const { url, rejections, lines } = await start({ page: () => new Promise(() => {}) });
    const answer = await fetch(url, { headers: { 'x-prometheus-scrape-timeout-seconds': '0.05' } });
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /would not have waited/);
    assert.deepEqual(rejections(), { timeout: 1 });
    assert.equal(lines.length, 1);
  });

  it('gives a scraper up that has not taken its page in the time that it gave itself', async () => {
    const pool = new PagePool();
    const buffer = new PageBuffer(pool, 32 << 20);
    buffer.length = 32 << 20;
    const page = new Page(buffer);
    const { port, rejections } = await start({ page: async () => page });
    const stalled = connect(port, '127.0.0.1');
    stalled.pause();
    stalled.write('GET /metrics HTTP/1.1\r\nHost: a\r\nX-Prometheus-Scrape-Timeout-Seconds: 0.05\r\n\r\n');
    while (pool.take(1) !== buffer.bytes) await new Promise((resolve) => setImmediate(resolve));
    stalled.destroy();
    assert.deepEqual(rejections(), { timeout: 1 });
  });
});

describe('scrapeTimeoutMs', () => {
  const cases: [string | undefined, number | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['10', 9500],
    ['10.000000', 9500],
    ['1', 900],
    ['0.2', 180],
    ['1e1', 9500],
    ['0', undefined],
    ['-1', undefined],
    ['soon', undefined],
    ['NaN', undefined],
    ['1e300', 2 ** 31 - 1],
  ];
  for (const [header, ms] of cases) it(`${header} → ${ms}`, () => assert.equal(scrapeTimeoutMs(header), ms));
});
