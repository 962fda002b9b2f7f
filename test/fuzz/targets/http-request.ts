import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { parseBasic } from '../../../src/readers/prometheus/http/basic-auth.ts';
import { clientOf } from '../../../src/readers/prometheus/http/client.ts';
import { requestPath } from '../../../src/readers/prometheus/http/request-path.ts';
import { scrapeTimeoutMs } from '../../../src/readers/prometheus/http/scrapes.ts';
import { PrometheusServer } from '../../../src/readers/prometheus/http/server.ts';
import { negotiateEncoding } from '../../../src/readers/prometheus/page/encoding.ts';
import { negotiateFormat } from '../../../src/readers/prometheus/page/format.ts';
import { Page } from '../../../src/readers/prometheus/page/page.ts';
import { PageBuffer, PagePool } from '../../../src/readers/prometheus/page/page-buffer.ts';
import { within } from '../../helpers/deadline.ts';
import { FakeStore } from '../../helpers/fake-rows.ts';
import { fakeContext } from '../../helpers/reader-context.ts';
import type { Attempt } from '../attempt.ts';
import type { StartTarget } from '../target.ts';

const methods = ['GET', 'GET', 'GET', 'GET', 'HEAD', 'POST', 'OPTIONS', 'CONNECT', 'get', 'G', 'PRI', ''];
const targets = [
  ...[
    '/metrics',
    '/',
    '/-/ready',
    '*',
    'http://a/metrics',
    'HTTPS://a:1?x',
    '//',
    '/%6detrics',
    '/%',
    '/%ff',
    '/../metrics',
  ],
  ...['/metrics?', '#', '/%0d%0aX-Forged:%201', '/<script>', 'a:1', '/é', `/${'a'.repeat(9000)}`],
];
const harmless = ['Accept', 'Accept-Encoding', 'Authorization', 'X-Prometheus-Scrape-Timeout-Seconds', 'Range'];
const names = [
  'Host',
  'Content-Length',
  'Transfer-Encoding',
  'Connection',
  'Expect',
  'Upgrade',
  'Host ',
  ' Host',
  '',
  ':path',
];
const pieces = [
  ...[
    'text/plain',
    'application/openmetrics-text',
    '*/*',
    ';',
    ',',
    'q=',
    '0.5',
    '1',
    'version=1.0.0',
    '"',
    '=',
    ' ',
    'gzip',
  ],
  ...[
    'zstd',
    'identity',
    'Basic ',
    'dXNlcjpwYXNz',
    'chunked',
    '5',
    '-1',
    '1e400',
    '0x5',
    'keep-alive',
    'close',
    '\t',
    '\r',
    '\0',
  ],
  ...['escaping=', 'allow-utf-8', '100-continue', '\r\n X-Folded', 'application/vnd.google.protobuf', 'é'],
];
const oddEnds = ['\r\n', '\r\n', '\r\n', '\n', '\r', ''];
const addresses = [
  '::ffff:10.0.0.1',
  '2001:db8::1',
  'fe80::1%eth0',
  '::',
  '::1.2.3.4',
  '1.2.3.4',
  'a',
  ':',
  '',
  '1::2::3',
  '%',
];

function request(attempt: Attempt): string {
  const isOdd = attempt.onceIn(8);
  const end = () => (isOdd ? attempt.pick(oddEnds) : '\r\n');
  const version = attempt.onceIn(8) ? attempt.text(['HTTP/', '1.0', '1.1', '2.0', '9', ' '], 3) : 'HTTP/1.1';
  const header = () => {
    const value = attempt.onceIn(4) ? attempt.text(pieces, 6) : attempt.pick(pieces);
    return `${attempt.pick(attempt.onceIn(4) ? names : harmless)}:${value}${end()}`;
  };
  const headers = Array.from({ length: attempt.below(4) }, header).join('');
  const host = attempt.onceIn(12) ? '' : 'Host: a\r\n';
  const body = attempt.onceIn(8) ? attempt.text(['5\r\nhello\r\n', '0\r\n\r\n', 'ffffffffffffffff\r\n', 'x'], 3) : '';
  return `${attempt.pick(methods)} ${attempt.pick(targets)} ${version}${end()}${host}${headers}${end()}${body}`;
}

/** All that the server says until it ends the connection, which the client has half closed. */
async function answered(port: number, bytes: Buffer): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = '';
  const socket = connect({ host: '127.0.0.1', port });
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  // What comes after the server has closed is answered with a reset.
  socket.on('error', () => {});
  socket.on('close', () => resolve(text));
  socket.end(bytes);
  return await within(promise, () => `the connection does not end after ${JSON.stringify(text)}`, 60_000);
}

/** Requests of any bytes, and headers in any shape: answered as HTTP has it or cut off, and the next scrape is served. */
export const start: StartTarget = async () => {
  const { context } = fakeContext(new FakeStore());
  const pool = new PagePool();
  const page = async () => {
    const buffer = new PageBuffer(pool, 100);
    buffer.text('page 1\n');
    return new Page(buffer);
  };
  const server = new PrometheusServer({ ...context, page });
  const port = Number(new URL(await server.listen('127.0.0.1', 0)).port);
  return {
    async attempt(attempt) {
      checkParts(attempt.text(pieces, 8), attempt.text(addresses, 2));
      const head = Array.from({ length: attempt.onceIn(4) ? 2 : 1 }, () => request(attempt)).join('');
      const bytes = attempt.onceIn(20) ? attempt.bytes(300) : Buffer.from(head, attempt.onceIn(2) ? 'latin1' : 'utf8');
      attempt.input = bytes.toString('latin1');
      const text = await answered(port, bytes);
      assert.match(text, /^(?:$|HTTP\/1\.1 (?:100|200|304|400|404|405|408|413|417|431|503) )/);
      assert.doesNotMatch(text, /^X-Forged/im);
      if (attempt.onceIn(20)) {
        const scrape = await answered(port, Buffer.from('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'));
        assert.match(scrape, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\npage 1\n$/s);
      }
      return /^HTTP\/1\.1 (?:200|404|405) /.test(text) ? 'taken' : 'refused';
    },
    close: () => server.close(),
  };
};

function checkParts(text: string, address: string): void {
  const format = negotiateFormat(text);
  assert.equal(negotiateFormat(format.contentType), format);
  assert.ok([undefined, 'gzip', 'zstd'].includes(negotiateEncoding(text)));
  const timeout = scrapeTimeoutMs(text);
  assert.ok(timeout === undefined || (timeout > 0 && timeout < 2 ** 31), `${timeout}`);
  const path = requestPath(text);
  assert.ok(path === undefined || path.startsWith('/'), path ?? '');
  const basic = parseBasic(text);
  assert.ok(basic === undefined || !basic.user.includes(':'), basic?.user ?? '');
  assert.ok(clientOf(address).length <= address.length + 40);
}
