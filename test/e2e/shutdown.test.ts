import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { callGetppid } from '../fixtures/plan.ts';
import { MeterProcess, RunningMeter } from '../helpers/process.ts';
import { replacedKeys } from '../helpers/replaced-keys.ts';

const root = join(import.meta.dirname, '..', '..');
const one = ['--only', 'sched', '--prometheus', '127.0.0.1:0'];

/** A page of so many has 15 MB, more than the buffers of two sockets hold, and takes a while to collect. */
const series = 100_000;
/** A reader that takes so many. */
const unlimited = join(root, 'test/fixtures/unlimited.yaml');

/** A connection that asks for the page and doesn't read on; resolves when the first part of the answer is there. */
async function slowScraper(meter: RunningMeter): Promise<Socket> {
  const { hostname, port } = new URL(meter.url);
  const scraper = connect(Number(port), hostname);
  scraper.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(scraper, 'readable');
  return scraper;
}

describe('SIGTERM', () => {
  it('while a scraper does not read the page that it asked for', async () => {
    using folder = replacedKeys(series);
    await using meter = await RunningMeter.start(['--no-shipped', '--programs', folder.path, '--config', unlimited]);
    callGetppid(series);
    const scraper = await slowScraper(meter);
    const { status, stderr } = await meter.stop();
    scraper.on('error', () => {}).destroy();
    assert.equal(status, 0);
    assert.match(stderr, /SIGTERM: ending\n$/);
  });

  it('leaves a scraper that reads the time to read all', async () => {
    using folder = replacedKeys(series);
    await using meter = await RunningMeter.start(['--no-shipped', '--programs', folder.path, '--config', unlimited]);
    callGetppid(series);
    const scraper = await slowScraper(meter);
    meter.kill('SIGTERM');
    await meter.logged(/SIGTERM: ending/);
    const answer = await text(scraper);
    const [headers, page] = [answer.slice(0, answer.indexOf('\r\n\r\n')), answer.slice(answer.indexOf('\r\n\r\n') + 4)];
    assert.equal(Number(/^content-length: (\d+)$/im.exec(headers)![1]), page.length);
    assert.equal(page.match(/^ebpf_events_total\{/gm)?.length, series);
    assert.equal((await meter.ended()).status, 0);
  });

  it('while a client has sent half a request, and another one keeps its connection', async () => {
    await using meter = await RunningMeter.start(['--only', 'sched']);
    await meter.text();
    const { hostname, port } = new URL(meter.url);
    const client = connect(Number(port), hostname);
    client.on('error', () => {});
    await new Promise<void>((resolve) => client.write('GET /metrics HTTP/1.1\r\nHo', () => resolve()));
    // The next connection is accepted after it.
    await meter.text({ connection: 'close' });
    const { status, stderr } = await meter.stop();
    client.destroy();
    assert.equal(status, 0);
    assert.match(stderr, /SIGTERM: ending\n$/);
  });

  it('in the middle of collections, plain and compressed', async () => {
    using folder = replacedKeys(series);
    await using meter = await RunningMeter.start(['--no-shipped', '--programs', folder.path, '--config', unlimited]);
    callGetppid(series);
    const answers = ['identity', 'gzip', 'identity', 'gzip'].map(
      (encoding) =>
        new Promise<string>((resolve) => {
          const request = get(meter.url, { headers: { 'accept-encoding': encoding }, agent: false });
          request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
          request.on('response', (response) => {
            response.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
            response.on('end', () => resolve(String(response.statusCode)));
            response.resume();
          });
          request.flushHeaders();
        }),
    );
    // On its way at least: the signal comes before, in or behind the collection.
    await new Promise((resolve) => setImmediate(resolve));
    const { status, stderr } = await meter.stop();
    assert.equal(status, 0);
    assert.match(stderr, /SIGTERM: ending\n$/);
    // A scraper gets all of a page, or none.
    for (const answer of await Promise.all(answers)) assert.match(answer, /^(200|ECONNRESET|ECONNREFUSED)$/);
  });
});

describe('npm start', () => {
  const command = ['npm', '--prefix', root, 'start', '--'];

  it('ends in order on a Ctrl-C, which npm and the process get, and npm passes on', async () => {
    await using npm = new MeterProcess(one, {}, { command, group: true });
    await npm.logged(/running after/);
    const { status, stderr } = await npm.stop('SIGINT');
    assert.equal(status, 0, stderr);
    assert.equal(stderr.match(/SIGINT: ending/g)?.length, 1, stderr);
  });

  it('ends in order on a SIGTERM to npm alone', async () => {
    await using npm = new MeterProcess(one, {}, { command });
    await npm.logged(/running after/);
    const { status, stderr } = await npm.stop();
    assert.equal(status, 0, stderr);
    assert.match(stderr, /SIGTERM: ending\n$/);
  });
});
