import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { callGetppid } from '../fixtures/plan.ts';
import { MeterProcess, RunningMeter } from '../helpers/process.ts';
import { replacedKeys } from '../helpers/replaced-keys.ts';

const root = join(import.meta.dirname, '..', '..');
const one = ['--only', 'sched', '--prometheus', '127.0.0.1:0'];

/** So many series that a page of them fills no socket's buffers at once, and takes a while to collect. */
const series = 100_000;

describe('SIGTERM', () => {
  it('while a scraper does not read the page that it asked for', async () => {
    using folder = replacedKeys(series);
    await using meter = await RunningMeter.start(['--programs', folder.path]);
    callGetppid(series);
    const { hostname, port } = new URL(meter.url);
    const scraper = connect(Number(port), hostname);
    scraper.on('error', () => {});
    scraper.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
    // The first part of the page is there; the rest waits in the process.
    await once(scraper, 'readable');
    const { status, stderr } = await meter.stop();
    scraper.destroy();
    assert.equal(status, 0);
    assert.match(stderr, /SIGTERM: ending\n$/);
  });

  it('in the middle of collections, plain and compressed', async () => {
    using folder = replacedKeys(series);
    await using meter = await RunningMeter.start(['--programs', folder.path]);
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
