import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

interface ProxyServerOptions {
  /** PEM; unset: no TLS. */
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer };
  /** USER:PASSWORD that it asks for. */
  readonly credentials?: string;
}

/** An HTTP proxy in the test's own process, which knows every name as this machine. */
interface ProxyServer extends AsyncDisposable {
  readonly port: number;
  /** The request lines that came, without their version: `CONNECT collector.test:4317`. */
  readonly requests: readonly string[];
  /** Set: refuses all with this status; `silence`: never answers. */
  behaviour: number | 'silence' | undefined;
}

/** It tunnels by CONNECT, and forwards requests for whole URLs. */
export async function startProxyServer({ tls, credentials }: ProxyServerOptions = {}): Promise<ProxyServer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let behaviour: ProxyServer['behaviour'];
  const refusal = ({ method, url, headers }: IncomingMessage): ProxyServer['behaviour'] => {
    requests.push(`${method} ${url}`);
    const expected = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
    return behaviour ?? (headers['proxy-authorization'] === expected ? undefined : 407);
  };

  const forward = (request: IncomingMessage, response: ServerResponse): void => {
    const refused = refusal(request);
    if (refused === 'silence') return;
    if (refused !== undefined) return void response.writeHead(refused).end();
    const { port, pathname } = new URL(request.url!);
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const onward = httpRequest({ host: 'localhost', port, path: pathname, method: request.method!, headers });
    onward.on('error', () => response.writeHead(502).end());
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  };
  const tunnel = (request: IncomingMessage, client: Duplex, head: Buffer): void => {
    const refused = refusal(request);
    client.on('error', () => {});
    if (refused === 'silence') return;
    if (refused !== undefined) return void client.end(`HTTP/1.1 ${refused} Refused\r\ncontent-length: 0\r\n\r\n`);
    const onward = connect({ host: 'localhost', port: Number(request.url!.split(':')[1]) });
    sockets.add(onward);
    onward.on('error', () => client.destroy());
    onward.on('close', () => client.destroy());
    client.on('close', () => onward.destroy());
    onward.once('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      client.pipe(onward).pipe(client);
    });
  };

  const server = tls === undefined ? createServer(forward) : createTlsServer(tls, forward);
  server.on('connect', tunnel);
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    get behaviour() {
      return behaviour;
    },
    set behaviour(wanted) {
      behaviour = wanted;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
