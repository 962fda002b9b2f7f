import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { OtlpHttpConfig } from '../../../../src/config/exporter/configuration.ts';
import { createHttpTransport } from '../../../../src/readers/otlp/transports/http.ts';
import { within } from '../../../helpers/deadline.ts';
import { otlpConfig, setUp } from '../set-up.ts';

test('a connection is closed before its receiver finds it idle, and the next request has another', async () => {
  await using server = await startRawServer(() => 200);
  const config = otlpConfig('otlp_http', server.url).exporter as OtlpHttpConfig;
  const transport = createHttpTransport(config, { idleMs: 20 });
  const connected = once(server.http, 'connection');
  assert.equal((await transport.send(Buffer.from([1]), 5000)).accepted, true);
  const [socket] = await connected;
  await within(once(socket, 'close'), () => 'the connection stays open');
  const another = once(server.http, 'connection');
  assert.equal((await transport.send(Buffer.from([1]), 5000)).accepted, true);
  await another;
  transport.close();
});

test('requests that follow one another share a connection', async () => {
  await using server = await startRawServer(() => 200);
  let connections = 0;
  server.http.on('connection', () => connections++);
  const transport = createHttpTransport(otlpConfig('otlp_http', server.url).exporter as OtlpHttpConfig);
  for (let i = 0; i < 3; i++) assert.equal((await transport.send(Buffer.from([1]), 5000)).accepted, true);
  assert.equal(connections, 1);
  transport.close();
});

test('a receiver that takes no request without data gets the totals all the same when it is there again', async () => {
  let isThere = false;
  await using server = await startRawServer((length) => (!isThere ? 503 : length === 0 ? 400 : 200));
  const { reader, lines } = await setUp({ kind: 'otlp_http', url: server.url });
  await assert.rejects(reader.forceFlush());
  isThere = true;
  const reach = async (): Promise<void> => {
    while (!server.answers.includes(200)) await setImmediate();
  };
  await within(reach(), () => `answered ${server.answers}`);
  await reader.shutdown();
  assert.match(lines.at(-1)!, /^info: .*delivering again after 1 failed export$/);
});

test('an outage that turns into a refusal is told again, once', async () => {
  let status = 503;
  await using server = await startRawServer(() => status);
  const { reader, lines } = await setUp({ kind: 'otlp_http', url: server.url });
  for (const next of [503, 502, 401, 401, 503, 401]) {
    status = next;
    await assert.rejects(reader.forceFlush());
  }
  status = 200;
  await reader.forceFlush();
  await reader.shutdown();
  assert.deepEqual(
    lines.map((line) => /HTTP \d+ [A-Z]\w+( [A-Z]\w+)*|delivering.*/.exec(line)?.[0]),
    ['HTTP 503 Service Unavailable', 'HTTP 401 Unauthorized', 'delivering again after 6 failed exports'],
  );
});

interface RawServer extends AsyncDisposable {
  readonly url: string;
  readonly http: Server;
  /** Statuses, oldest first. */
  readonly answers: readonly number[];
}

/** Answers each request with a status by the length of its body, without a body of its own. */
async function startRawServer(statusOf: (length: number) => number): Promise<RawServer> {
  const answers: number[] = [];
  const http = createServer(async (request, response) => {
    const status = statusOf(Buffer.concat(await request.toArray()).length);
    answers.push(status);
    response.writeHead(status).end();
  });
  http.listen(0, 'localhost');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://localhost:${port}/v1/metrics`,
    http,
    answers,
    async [Symbol.asyncDispose]() {
      http.close();
      http.closeAllConnections();
    },
  };
}
