import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectRaw } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { PrometheusServer, type ServerOptions } from '../../../src/readers/prometheus/http/server.ts';
import { Page } from '../../../src/readers/prometheus/page/page.ts';
import { PageBuffer, PagePool } from '../../../src/readers/prometheus/page/page-buffer.ts';
import { within } from '../../helpers/deadline.ts';
import { FakeStore } from '../../helpers/fake-rows.ts';
import { fakeContext } from '../../helpers/reader-context.ts';
import { createTestCertificates, type TestCertificates } from '../../helpers/test-certificates.ts';

/** More than the sockets of a connection hold, and no multiple of what is sent at once. */
const BIG = (32 << 20) + 23;

let certificates: TestCertificates;
let folder: string;
let server: PrometheusServer;

before(() => {
  certificates = createTestCertificates();
  folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-limits-'));
});
afterEach(() => server.close());
after(() => {
  certificates[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

/** Serves one page again and again. */
async function start(options: Partial<ServerOptions> = {}) {
  const { context, tallies } = fakeContext(new FakeStore());
  const webConfigFile = join(folder, 'web.yml');
  const { serverCert, serverKey } = certificates.files;
  writeFileSync(webConfigFile, `tls_server_config: {cert_file: ${serverCert}, key_file: ${serverKey}}\n`);
  const buffer = new PageBuffer(new PagePool(), BIG);
  for (let at = 0; at < BIG; at += 4) buffer.bytes.writeUInt32LE(at, at);
  buffer.length = BIG;
  const page = new Page(buffer);
  const pages = async () => {
    page.retain();
    return page;
  };
  server = new PrometheusServer({ ...context, page: pages, webConfigFile, ...options });
  const port = Number(new URL(await server.listen('127.0.0.1', 0)).port);
  return { port, page: page.bytes, rejections: () => Object.fromEntries(tallies.scrapeRejections()) };
}

function connectTls(port: number, index = 0): TLSSocket {
  const raw = connectRaw({ port, host: '127.0.0.1', localAddress: `127.0.1.${index + 1}` });
  const socket = connect({ socket: raw, ca: certificates.ca, servername: 'localhost' });
  return socket.on('error', () => {});
}

async function probed(socket: TLSSocket): Promise<string> {
  socket.write('GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n');
  const [data] = await within(once(socket, 'data'), () => 'it is not answered');
  return String(data);
}

describe('limits of the Prometheus server with TLS', () => {
  it('sends whole pages, in memory that doesn’t grow with their readers', async () => {
    const { port, page } = await start();
    const before = process.memoryUsage().rss;
    const slow: TLSSocket[] = [];
    for (let reader = 0; reader < 20; reader++) {
      const socket = connectTls(port);
      socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
      await within(once(socket, 'data'), () => 'no page has begun');
      slow.push(socket.pause());
    }
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < 10 * BIG, `${grown >> 20} MiB for pages of ${BIG >> 20} MiB`);

    const scraper = connectTls(port, 1);
    scraper.write('GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const chunks: Buffer[] = [];
    for await (const chunk of scraper) chunks.push(chunk as Buffer);
    const answer = Buffer.concat(chunks);
    assert.ok(answer.subarray(-BIG).equals(page));
    assert.match(answer.subarray(0, -BIG).toString('latin1'), new RegExp(`\r\ncontent-length: ${BIG}\r\n`, 'i'));
    for (const socket of slow) socket.destroy();
  });

  it('sends no body to HEAD', async () => {
    const { port } = await start();
    const socket = connectTls(port);
    socket.write('HEAD /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    assert.match(text, new RegExp(`^HTTP/1.1 200 OK\r\n[\\s\\S]*content-length: ${BIG}\r\n`, 'i'));
    assert.ok(text.endsWith('\r\n\r\n'));
  });

  it('closes the connection that is idle for longest, whether it has agreed on encryption or is silent', async () => {
    const { port, rejections } = await start({ maxConnections: 4 });
    const scraper = connectTls(port, 1);
    await probed(scraper);
    const encrypted = connectTls(port);
    await probed(encrypted);
    const silent = [0, 1].map(() => connectRaw({ port, host: '127.0.0.1', localAddress: '127.0.1.1' }));
    for (const socket of silent)
      await once(
        socket.on('error', () => {}),
        'connect',
      );
    for (const closed of [encrypted, silent[0]!]) {
      const end = new Promise((resolve) => closed.once('close', resolve));
      closed.resume();
      assert.match(await probed(connectTls(port, 2)), /^HTTP\/1\.1 200 /);
      await within(end, () => 'it is still connected');
    }
    assert.match(await probed(scraper), /^HTTP\/1\.1 200 /);
    assert.deepEqual(rejections(), { connections: 2 });
    silent[1]!.destroy();
  });
});
