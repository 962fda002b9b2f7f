import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, it, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { grpcTarget } from '../../../../src/readers/otlp/transports/grpc.ts';
import { decodeExport } from '../../../helpers/otlp-server.ts';
import { setUp, values } from '../set-up.ts';

test('gzip', async () => {
  await using server = await startRawServer();
  const { rows, reader } = await setUp({ kind: 'otlp_grpc', url: server.url }, { compression: 'gzip' });
  rows.set('sda', [10, 0, 0, 0, 0, 0]);
  await reader.forceFlush();
  const { headers, body } = await server.request;
  assert.equal(headers['grpc-encoding'], 'gzip');
  // Each gRPC message is a flag for compression, its length in four bytes, and the message.
  assert.equal(body[0], 1);
  assert.deepEqual(values(decodeExport(gunzipSync(body.subarray(5))).metric('ebpf.reads')), [10n]);
  await reader.shutdown();
});

describe('grpcTarget', () => {
  const cases: [string, string][] = [
    ['http://collector:4317', 'collector:4317'],
    ['http://collector', 'collector:80'],
    ['http://collector:80', 'collector:80'],
    ['https://collector', 'collector:443'],
    ['https://collector:443/', 'collector:443'],
    ['https://collector:80', 'collector:80'],
    ['http://[::1]:4317', '[::1]:4317'],
  ];
  for (const [endpoint, expected] of cases) {
    it(`${endpoint} → ${expected}`, () => assert.equal(grpcTarget(endpoint), expected));
  }
});

/** Answers every gRPC call with OK and keeps the first as it came: the gRPC server tells nothing of compression. */
async function startRawServer(): Promise<RawServer> {
  const { promise: request, resolve } = Promise.withResolvers<{ headers: IncomingHttpHeaders; body: Buffer }>();
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', async (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const chunks = await stream.toArray();
    resolve({ headers, body: Buffer.concat(chunks) });
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.alloc(5));
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    request,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

interface RawServer extends AsyncDisposable {
  readonly url: string;
  readonly request: Promise<{ headers: IncomingHttpHeaders; body: Buffer }>;
}
