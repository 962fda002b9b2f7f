import { request as httpRequest, STATUS_CODES } from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { HttpProxy } from './proxy.ts';

/** A proxy that has not answered by then never will. */
const TIMEOUT_MS = 10_000;

/** What a proxy has not done. */
export class ProxyError extends Error {
  readonly code = 'ERR_PROXY_TUNNEL';

  /** It says no for as long as nobody sees to it, as of wrong credentials. */
  readonly isRefusal: boolean;

  /** `status`: its answer to CONNECT. */
  constructor({ name }: HttpProxy, cause: string, status?: number) {
    super(`proxy ${name}: ${cause}`);
    this.name = 'ProxyError';
    this.isRefusal = status !== undefined && status < 500 && status !== 408 && status !== 429;
  }
}

/** A connection to HOST:PORT through a proxy. Rejects with ProxyError. */
export async function connectThrough(proxy: HttpProxy, target: string): Promise<Socket> {
  return tunnel(connect({ host: proxy.host, port: proxy.port }), proxy, target);
}

/**
 * Has the proxy that this connection leads to connect it to HOST:PORT (CONNECT, RFC 9110, 9.3.6). Rejects with ProxyError,
 * the connection closed, where the proxy doesn't, or not within `timeoutMs`.
 */
export async function tunnel(
  connection: Socket,
  proxy: HttpProxy,
  target: string,
  timeoutMs: number = TIMEOUT_MS,
): Promise<Socket> {
  const { host, isTls, authorization } = proxy;
  const servername = isIP(host) === 0 ? host : '';
  const socket = isTls ? connectTls({ socket: connection, host, servername }) : connection;
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const fail = (cause: string, status?: number): void => {
    connection.destroy();
    reject(new ProxyError(proxy, cause, status));
  };
  connection.on('error', ({ message }) => fail(message));
  const request = httpRequest({
    createConnection: () => socket,
    method: 'CONNECT',
    path: target,
    headers: { host: target, ...(authorization && { 'proxy-authorization': authorization }) },
  });
  const timer = setTimeout(() => fail(`no answer after ${timeoutMs / 1000} s`), timeoutMs).unref();
  request.on('error', ({ message }) => fail(message));
  request.on('connect', ({ statusCode = 0 }, tunneled, head) => {
    if (statusCode < 200 || statusCode > 299) {
      fail(`it answers CONNECT ${target} with ${statusCode} ${STATUS_CODES[statusCode] ?? ''}`.trim(), statusCode);
      return;
    }
    // What the receiver has said already.
    if (head.length > 0) tunneled.unshift(head);
    resolve(tunneled as Socket);
  });
  request.end();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
