import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import {
  type OtlpServer,
  type OtlpServerOptions,
  PARTIAL_SUCCESS,
  Reception,
  retryStatus,
  VERBOSE_ANSWER,
} from './otlp-server.ts';

export interface OtlpHttpServerOptions extends OtlpServerOptions {
  /** How it says when to come again: by the header, or in the body's RetryInfo. */
  readonly retryBy?: 'header' | 'body';
}

/** As startOtlpServer, over HTTP with protobuf, below /v1/metrics. */
export async function startOtlpHttpServer(options: OtlpHttpServerOptions = {}): Promise<OtlpServer> {
  const { port = 0, tls, retryBy = 'header' } = options;
  const reception = new Reception();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const sent = Buffer.concat(await request.toArray());
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    if (request.method !== 'POST' || request.url !== '/v1/metrics') {
      response.writeHead(404).end();
      return;
    }
    const behaviour = reception.receive(body, request.headers);
    response.setHeader('content-type', 'application/x-protobuf');
    const { retryAfterS } = reception;
    if (retryAfterS !== undefined && retryBy === 'header') response.setHeader('retry-after', retryAfterS);
    const status = retryAfterS === undefined || retryBy === 'header' ? Buffer.alloc(0) : retryStatus(retryAfterS);
    switch (behaviour) {
      case 'accept':
        response.end();
        break;
      case 'verbose':
        response.end(VERBOSE_ANSWER);
        break;
      case 'partial':
        response.end(PARTIAL_SUCCESS);
        break;
      case 'unavailable':
        response.writeHead(503).end(status);
        break;
      case 'exhausted':
        response.writeHead(413).end(status);
        break;
      case 'vanish':
        server.close();
        server.closeAllConnections();
        break;
      case 'hang':
        break;
    }
  };
  const server =
    tls === undefined
      ? createServer(answer)
      : createTlsServer(
          { ...tls, requestCert: tls.ca !== undefined, rejectUnauthorized: tls.ca !== undefined },
          answer,
        );
  server.listen(port, 'localhost');
  await once(server, 'listening');
  const { port: bound } = server.address() as AddressInfo;
  const url = `${tls === undefined ? 'http' : 'https'}://localhost:${bound}/v1/metrics`;
  return reception.server('otlp_http', url, () => {
    server.close();
    server.closeAllConnections();
  });
}
