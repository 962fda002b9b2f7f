import { type AgentOptions, Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, type AgentOptions as HttpsAgentOptions, request as httpsRequest } from 'node:https';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { urlToHttpOptions } from 'node:url';
import type { HttpProxy } from './proxy.ts';
import { connectThrough } from './tunnel.ts';

/** How requests get to a receiver. */
interface HttpRoute {
  readonly send: typeof httpRequest;
  /** The event of a socket after which what is sent may have come to somebody. */
  readonly connected: 'connect' | 'secureConnect';
  readonly agent: HttpAgent;
  /** What each request has beside its own. */
  readonly options: RequestOptions;
  readonly headers: Readonly<Record<string, string>>;
}

/** The route to a URL, maybe through a proxy; `options` are those of its connections, the receiver's TLS files included. */
export function httpRoute(url: URL, options: HttpsAgentOptions, proxy: HttpProxy | undefined): HttpRoute {
  const isTls = url.protocol === 'https:';
  if (proxy !== undefined && !isTls) return forwarded(url, options, proxy);
  const agent = !isTls ? new HttpAgent(options) : new HttpsAgent(options);
  if (proxy !== undefined) tunnelAll(agent, `${url.hostname}:${url.port || 443}`, proxy);
  return { ...socketsOf(isTls), agent, options: urlToHttpOptions(url), headers: {} };
}

/** Without TLS the proxy itself is asked, for the whole URL (absolute-form, RFC 9112, 3.2.2). */
function forwarded(url: URL, { keepAlive, timeout }: AgentOptions, proxy: HttpProxy): HttpRoute {
  const { isTls, host, port, authorization } = proxy;
  const keeping: AgentOptions = { ...(keepAlive && { keepAlive }), ...(timeout && { timeout }) };
  return {
    ...socketsOf(isTls),
    agent: isTls ? new HttpsAgent(keeping) : new HttpAgent(keeping),
    options: { host, port, path: url.href },
    headers: { host: url.host, ...(authorization && { 'proxy-authorization': authorization }) },
  };
}

function tunnelAll(agent: HttpAgent, target: string, proxy: HttpProxy): void {
  agent.createConnection = (asked, done) => {
    connectThrough(proxy, target).then(
      (socket) => done?.(null, connectTls({ ...(asked as ConnectionOptions), socket })),
      // Where there is an error, nobody looks for the socket.
      (error: Error) => (done as ((error: Error) => void) | undefined)?.(error),
    );
    return undefined;
  };
}

function socketsOf(isTls: boolean): Pick<HttpRoute, 'send' | 'connected'> {
  return isTls ? { send: httpsRequest, connected: 'secureConnect' } : { send: httpRequest, connected: 'connect' };
}
