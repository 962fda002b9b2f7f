import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { scrapeTimeoutMs } from '../../../src/readers/prometheus/http/scrapes.ts';
import { PrometheusServer, type ServerOptions } from '../../../src/readers/prometheus/http/server.ts';
import { Page } from '../../../src/readers/prometheus/page/page.ts';
import { PageBuffer, PagePool } from '../../../src/readers/prometheus/page/page-buffer.ts';
import { within } from '../../helpers/deadline.ts';
import { FakeStore } from '../../helpers/fake-rows.ts';
import { fakeContext } from '../../helpers/reader-context.ts';

/** More than the sockets of a connection hold. */
const BIG = 32 << 20;

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

/** An address of this machine's own for each. */
const client = (index: number) => `127.0.1.${index + 1}`;
const connectFrom = (localAddress: string, port: number) => connect({ host: '127.0.0.1', port, localAddress });

/** What a kept connection is answered. */
async function answered(socket: Socket, path = '/metrics'): Promise<string> {
  socket.setEncoding('utf8').on('error', () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const [text] = await within(once(socket, 'data'), () => 'it is not answered');
  return text as string;
}

/** Resolves when it is so; the test's own time limit is the deadline. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Pages that are more than sockets buffer, each in memory of its own. */
function bigPages(pool = new PagePool()) {
  return async () => {
    const buffer = new PageBuffer(pool, BIG);
    buffer.length = BIG;
    const page = new Page(buffer);
    setImmediate(() => page.release());
    page.retain();
    return page;
  };
}

/** Asks for a page and takes no more than its beginning. */
async function slowReader(localAddress: string, port: number, headers = ''): Promise<Socket> {
  const socket = connectFrom(localAddress, port);
  socket.on('error', () => {});
  socket.write(`GET /metrics HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);
  await within(once(socket, 'data'), () => 'no page has begun');
  socket.pause();
  return socket;
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

  it('answers 1,000 connections at once, each with a whole page or 503', async () => {
    const { port, rejections, lines } = await start();
    const sockets = Array.from({ length: 1000 }, (_, index) => connectFrom(client(index % 4), port));
    await within(Promise.all(sockets.map((socket) => once(socket, 'connect'))), () => 'not all are connected');
    const answers = Promise.all(sockets.map((socket) => received(socket)));
    for (const socket of sockets) socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const texts = await answers;
    const good = texts.filter((text) => text.startsWith('HTTP/1.1 200 OK') && text.endsWith('page 1\n'));
    const busy = texts.filter((text) => text.startsWith('HTTP/1.1 503 ') && /\r\nretry-after: 1\r\n/i.test(text));
    assert.equal(good.length + busy.length, 1000);
    assert.ok(good.length >= 40, `${good.length}`);
    const { overload = 0, ...others } = rejections();
    assert.deepEqual([overload, others], [busy.length, {}]);
    assert.equal(lines.filter((line) => line.includes('too many')).length, Math.sign(overload));
  });

  it('closes the connection that is idle for longest when there are too many, and counts it', async () => {
    const { port, rejections, lines } = await start({ maxConnections: 7 });
    const scraper = connectFrom(client(1), port);
    await answered(scraper);
    const idle: Socket[] = [];
    for (let index = 0; index < 6; index++) {
      const socket = connectFrom(client(0), port);
      // Some have been answered, others are silent.
      if (index % 2 === 0) await answered(socket);
      else await once(socket, 'connect');
      idle.push(socket);
    }
    const closed = received(idle[0]!);
    const next = connectFrom(client(2), port);
    assert.match(await answered(next), /^HTTP\/1\.1 200 /);
    await closed;
    const second = received(idle[1]!);
    // Used again, the third is no longer the one that is idle for longest.
    await answered(idle[2]!);
    assert.match(await answered(connectFrom(client(3), port)), /^HTTP\/1\.1 200 /);
    await second;
    const fourth = received(idle[3]!);
    assert.match(await answered(connectFrom(client(3), port)), /^HTTP\/1\.1 200 /);
    await fourth;
    for (const socket of [scraper, next, idle[2]!, idle[4]!]) {
      assert.match(await answered(socket), /^HTTP\/1\.1 200 /);
    }
    assert.deepEqual(rejections(), { connections: 3 });
    assert.equal(lines.length, 1);
  });

  it('closes one of the same client when that has too many', async () => {
    const { port, rejections } = await start({ maxClientConnections: 3 });
    const scraper = connectFrom(client(1), port);
    await answered(scraper);
    const idle = [1, 2, 3].map(() => connectFrom(client(0), port));
    for (const socket of idle) await answered(socket);
    const closed = received(idle[0]!);
    assert.match(await answered(connectFrom(client(0), port)), /^HTTP\/1\.1 200 /);
    await closed;
    for (const socket of [scraper, idle[1]!, idle[2]!]) assert.match(await answered(socket), /^HTTP\/1\.1 200 /);
    assert.deepEqual(rejections(), { connections: 1 });
  });

  it('closes a new connection at once where all others wait for their answers', async () => {
    const go = Promise.withResolvers<void>();
    const pool = new PagePool();
    let asked = 0;
    const page = async () => {
      asked++;
      await go.promise;
      return new Page(new PageBuffer(pool, 100));
    };
    const { port, rejections } = await start({ maxConnections: 2, page });
    const waiting = [0, 0].map((each) => connectFrom(client(each), port));
    for (const socket of waiting) socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => asked === 2);
    assert.equal(await received(connectFrom(client(1), port)), '');
    assert.deepEqual(rejections(), { connections: 1 });
    go.resolve();
    for (const socket of waiting) assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 200 /);
  });

  it('closes a connection that takes its page slowly where all others do so too', async () => {
    const { port, rejections } = await start({ maxConnections: 3, page: bigPages() });
    const slow: Socket[] = [];
    for (let index = 0; index < 3; index++) slow.push(await slowReader(client(0), port));
    const closed = new Promise((resolve) => slow[0]!.once('close', resolve));
    const next = connectFrom(client(1), port);
    next.write('GET /-/healthy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.match(await received(next), /^HTTP\/1\.1 200 /);
    slow[0]!.resume();
    await within(closed, () => 'the longest is still there');
    assert.deepEqual(rejections(), { connections: 1 });
    for (const socket of slow) socket.destroy();
  });

  it('closes an idle connection rather than one that takes its page', async () => {
    const { port, rejections } = await start({ maxConnections: 3, page: bigPages() });
    const slow = [await slowReader(client(0), port), await slowReader(client(0), port)];
    const idle = connectFrom(client(0), port);
    await once(idle, 'connect');
    const closed = received(idle);
    assert.match(await answered(connectFrom(client(1), port), '/-/healthy'), /^HTTP\/1\.1 200 /);
    await closed;
    assert.deepEqual(rejections(), { connections: 1 });
    assert.deepEqual(
      slow.map(({ closed }) => closed),
      [false, false],
    );
    for (const socket of slow) socket.destroy();
  });

  it('closes a connection that asks for more than ten answers ahead', async () => {
    const { port, rejections } = await start({ page: () => new Promise(() => {}) });
    const greedy = connectFrom(client(0), port);
    greedy.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(11));
    assert.equal(await received(greedy), '');
    assert.deepEqual(rejections(), { overload: 1 });
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
    const { port, rejections } = await start({ page: bigPages(pool) });
    const stalled = await slowReader(client(0), port, 'X-Prometheus-Scrape-Timeout-Seconds: 0.05\r\n');
    // The page's buffer can be lent again.
    await until(() => pool.take(1).length >= BIG);
    stalled.destroy();
    assert.deepEqual(rejections(), { timeout: 1 });
  });

  it('gives a scraper up that takes a little again and again', async () => {
    const { port, rejections } = await start({ page: bigPages(), answerMs: 100 });
    const slow = await slowReader(client(0), port);
    const ended = new Promise((resolve) => slow.once('close', resolve));
    let bytes = 0;
    const sips = setInterval(() => {
      bytes += (slow.read(200) as Buffer | null)?.length ?? 0;
    }, 5);
    await until(() => rejections().slow === 1);
    clearInterval(sips);
    slow.resume();
    await within(ended, () => 'it is still connected');
    assert.ok(bytes < BIG, `${bytes}`);
  });

  it('answers scrapes while others take their pages slowly, more than there are slots', async () => {
    const { port, rejections } = await start({ maxScrapes: 3, page: bigPages(), maxHeldBytes: 100 * BIG });
    const slow: Socket[] = [];
    for (let reader = 0; reader < 5; reader++) slow.push(await slowReader(client(0), port));
    for (let scrape = 0; scrape < 3; scrape++) {
      const socket = connectFrom(client(1), port);
      socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      const text = await received(socket);
      assert.match(text, /^HTTP\/1\.1 200 /);
      assert.ok(text.length > BIG);
    }
    assert.deepEqual(rejections(), {});
    for (const socket of slow) socket.destroy();
  });

  it('holds no more pages for slow scrapers than there is memory for, and breaks off the slowest', async () => {
    const { port, rejections } = await start({ page: bigPages(), maxHeldBytes: 1 });
    const scraper = await slowReader(client(1), port);
    const slow: Socket[] = [];
    for (let reader = 0; reader < 7; reader++) slow.push(await slowReader(client(0), port));
    assert.deepEqual(rejections(), { slow: 4 });
    const rest = received(scraper);
    scraper.resume();
    scraper.write('GET /-/healthy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    // The page is whole where the next answer follows.
    assert.match(await rest, /HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nhealthy\n$/);
    for (const socket of slow) socket.destroy();
  });

  it('gives the slots of requests free whose connection is gone, those that wait for others there too', async () => {
    const go = Promise.withResolvers<void>();
    let asked = 0;
    const page: ServerOptions['page'] = async (_format, signal) => {
      asked++;
      await go.promise;
      signal.throwIfAborted();
      return bigPages()();
    };
    const { port } = await start({ maxScrapes: 10, page });
    for (let round = 1; round <= 4; round++) {
      const gone = connectFrom(client(0), port);
      gone.on('error', () => {});
      gone.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(10));
      await until(() => asked === 10 * round);
      gone.resetAndDestroy();
      // The next round has to find its slots free.
      await until(() => gone.closed);
    }
    go.resolve();
    const next = await slowReader(client(0), port);
    next.destroy();
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
