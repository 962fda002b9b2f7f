import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import tls from 'node:tls';
import { createGrpcTransport } from '../../../src/readers/otlp/transports/grpc.ts';
import { createHttpTransport } from '../../../src/readers/otlp/transports/http.ts';
import { proxyFor } from '../../../src/readers/otlp/transports/proxy.ts';
import { connectThrough, tunnel } from '../../../src/readers/otlp/transports/tunnel.ts';
import { startProxyServer } from '../../helpers/proxy-server.ts';
import { createTestCertificates } from '../../helpers/test-certificates.ts';
import { otlpConfig, protocols, setUp, totals } from './set-up.ts';

const NAMES = ['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'no_proxy', 'NO_PROXY'];
let saved: NodeJS.ProcessEnv;

beforeEach(() => {
  saved = { ...process.env };
  for (const name of NAMES) delete process.env[name];
});

afterEach(() => {
  process.env = saved;
});

/** The same receiver under a name that only the proxy knows. */
const elsewhere = (url: string) => url.replace('localhost', 'collector.test');

for (const { kind, start } of protocols) {
  describe(`${kind} through a proxy`, () => {
    for (const isTls of [false, true]) {
      for (const isProxyTls of [false, true]) {
        const scheme = isTls ? 'https' : 'http';
        test(`${scheme} receiver, ${isProxyTls ? 'https' : 'http'} proxy`, async (t) => {
          const written = t.mock.method(console, 'error', () => {});
          using certificates = createTestCertificates();
          const usual = tls.getCACertificates();
          tls.setDefaultCACertificates([...usual, certificates.ca.toString()]);
          t.after(() => tls.setDefaultCACertificates(usual));
          const secured = { tls: certificates.server };
          await using proxy = await startProxyServer({ credentials: 'me:s3cr3t', ...(isProxyTls && secured) });
          await using server = await start(isTls ? secured : {});
          const name = `${isProxyTls ? 'https' : 'http'}://localhost:${proxy.port}`;
          process.env[`${scheme}_proxy`] = name.replace('://', '://me:s3cr3t@');
          const endpoint = elsewhere(server.url);
          const files = { insecure: undefined, caFile: certificates.files.ca, keyFile: undefined, certFile: undefined };
          const overrides = { temporality: 'delta', ...(isTls && { tls: files }) } as const;
          const { rows, reader, lines } = await setUp({ kind, url: endpoint }, overrides);
          for (const reads of [5, 12]) {
            rows.set('sda', [reads, 0, 0, 0, 0, 0]);
            await reader.forceFlush();
          }
          await reader.shutdown();
          assert.equal(totals(server, 'ebpf.reads'), 12);
          const { host } = new URL(endpoint);
          const asked = kind === 'otlp_http' && !isTls ? `POST ${endpoint}` : `CONNECT ${host}`;
          assert.deepEqual(new Set(proxy.requests), new Set([asked]));
          assert.deepEqual(lines, []);
          const { host: sent, ':authority': authority = sent, ...others } = server.accepted[0]!.headers;
          if (kind === 'otlp_http') assert.equal(authority, host);
          assert.equal(others['proxy-authorization'], undefined);
          assert.equal(written.mock.callCount(), 0);
        });
      }
    }

    for (const [status, words] of [
      [407, '407 Proxy Authentication Required'],
      [403, '403 Forbidden'],
      [503, '503 Service Unavailable'],
    ] as const) {
      test(`one that answers ${status} is named, without its password, in the log alone`, async (t) => {
        const written = t.mock.method(console, 'error', () => {});
        await using proxy = await startProxyServer();
        proxy.behaviour = status;
        await using server = await start();
        process.env.http_proxy = `http://me:s3cr3t@localhost:${proxy.port}`;
        const { rows, reader, lines } = await setUp({ kind, url: elsewhere(server.url) });
        rows.set('sda', [5, 0, 0, 0, 0, 0]);
        await assert.rejects(reader.forceFlush(), (error: Error) => {
          assert.ok(error.message.includes(`through the proxy http://localhost:${proxy.port}: `), error.message);
          assert.ok(error.message.includes(words), error.message);
          assert.doesNotMatch(error.message, /s3cr3t|undefined/);
          return true;
        });
        await reader.shutdown().catch(() => {});
        assert.equal(lines.length, 1);
        assert.doesNotMatch(lines[0]!, /s3cr3t|undefined/);
        const { port } = new URL(server.url);
        const { exporter } = otlpConfig(kind, `http://collector.test:${port}`);
        assert.ok(exporter.kind !== 'console');
        const options = { proxy: proxyFor(new URL(exporter.endpoint), process.env) };
        const transport =
          exporter.kind === 'otlp_grpc'
            ? await createGrpcTransport(exporter, options)
            : createHttpTransport(exporter, options);
        const answer = await transport.send(new Uint8Array(1), 5000);
        transport.close();
        // Whom it refuses for good is not asked again before the next interval.
        assert.deepEqual([answer.accepted, !answer.accepted && answer.retryable], [false, status === 503]);
        assert.equal(written.mock.callCount(), 0);
        assert.equal(server.requests, 0);
      });
    }

    test('one that is not there is named', async (t) => {
      const written = t.mock.method(console, 'error', () => {});
      const proxy = await startProxyServer();
      await proxy[Symbol.asyncDispose]();
      process.env.all_proxy = `http://localhost:${proxy.port}`;
      const { rows, reader, lines } = await setUp({ kind, url: 'http://collector.test:4317' });
      rows.set('sda', [5, 0, 0, 0, 0, 0]);
      await assert.rejects(reader.forceFlush(), /ECONNREFUSED/);
      await reader.shutdown().catch(() => {});
      assert.equal(lines.length, 1);
      assert.ok(
        lines[0]!.includes(`through the proxy http://localhost:${proxy.port}: export failed: `),
        lines[0] ?? '',
      );
      assert.match(lines[0]!, /; see whether the proxy is right and lets the receiver through/);
      assert.equal(written.mock.callCount(), 0);
    });

    test('a receiver that the proxy reaches later gets everything', async () => {
      await using proxy = await startProxyServer();
      const gone = await start();
      await gone[Symbol.asyncDispose]();
      process.env.http_proxy = `http://localhost:${proxy.port}`;
      const { rows, reader } = await setUp({ kind, url: elsewhere(gone.url) }, { temporality: 'delta' });
      rows.set('sda', [5, 0, 0, 0, 0, 0]);
      await assert.rejects(reader.forceFlush());
      rows.set('sda', [12, 0, 0, 0, 0, 0]);
      await using server = await start({ port: gone.port });
      await server.waitFor(() => totals(server, 'ebpf.reads') === 12);
      await reader.shutdown();
      assert.equal(totals(server, 'ebpf.reads'), 12);
    });

    for (const [what, noProxy, change] of [
      ['this machine', '', (url: string) => url],
      ['whom no_proxy lists', 'collector.test', elsewhere],
    ] as const) {
      test(`none for ${what}`, async () => {
        await using proxy = await startProxyServer();
        await using server = await start();
        process.env.all_proxy = `http://localhost:${proxy.port}`;
        process.env.no_proxy = noProxy;
        const { rows, reader } = await setUp({ kind, url: change(server.url) }, { timeoutMs: 2000 });
        rows.set('sda', [5, 0, 0, 0, 0, 0]);
        const delivered = await reader.forceFlush().then(
          () => true,
          () => false,
        );
        // That name has no address.
        assert.equal(delivered, change(server.url) === server.url);
        await reader.shutdown().catch(() => {});
        assert.deepEqual(proxy.requests, []);
      });
    }
  });
}

test('a proxy that never answers is given up, and its connection closed', async () => {
  const silent = createServer();
  silent.listen(0, 'localhost');
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  const proxy = proxyFor(new URL('http://collector.test'), { http_proxy: `http://localhost:${port}` })!;
  const connection = once(silent, 'connection');
  const { connect } = await import('node:net');
  const tunneled = tunnel(connect({ host: 'localhost', port }), proxy, 'collector.test:4317', 50);
  await assert.rejects(tunneled, {
    code: 'ERR_PROXY_TUNNEL',
    message: `proxy http://localhost:${port}: no answer after 0.05 s`,
  });
  const [socket] = await connection;
  if (!socket.destroyed) await once(socket.resume(), 'close');
  silent.close();
});

test('what the receiver says first is not lost', async () => {
  await using proxy = await startProxyServer();
  const greeting = createServer((socket) => socket.end('hello'));
  greeting.listen(0, 'localhost');
  await once(greeting, 'listening');
  const { port } = greeting.address() as { port: number };
  const through = proxyFor(new URL('http://collector.test'), { http_proxy: `http://localhost:${proxy.port}` })!;
  const socket = await connectThrough(through, `collector.test:${port}`);
  assert.equal((await socket.toArray()).join(''), 'hello');
  greeting.close();
});
