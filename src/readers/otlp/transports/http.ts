import { type IncomingMessage, validateHeaderName, validateHeaderValue } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { OtlpHttpConfig } from '../../../config/exporter/configuration.ts';
import { withoutQuery } from '../../../config/exporter/endpoint-url.ts';
import { readTlsFiles } from '../../tls-files.ts';
import { MOST_ANSWER_BYTES, readResponse, readStatus, retryAfterMs, UNREAD } from './answers.ts';
import { headerError } from './header-error.ts';
import { httpRoute } from './http-route.ts';
import type { HttpProxy } from './proxy.ts';
import type { Answer, Failed, Transport } from './transport.ts';
import { ProxyError } from './tunnel.ts';

const PROTOBUF = 'application/x-protobuf';
/** Source: "Failures" and "Retryable Response Codes" in docs/specification.md of opentelemetry-proto. */
const RETRYABLE = new Set([429, 502, 503, 504]);
/** A gateway doesn't know what has become of the request. */
const UNCLEAR = new Set([502, 504]);
/**
 * A connection without a request is kept for so long. Receivers close theirs after a minute, as the Collector does: one
 * that were used again just then would break off, and nobody knew whether the request had come.
 */
const IDLE_MS = 5000;

const compress = promisify<Uint8Array, object, Buffer>(gzip);

interface HttpTransportOptions {
  /** Through which the receiver is reached; none unless set. */
  readonly proxy?: HttpProxy | undefined;
  /** How long a connection is kept without a request. */
  readonly idleMs?: number;
}

/** OTLP over HTTP with protobuf. Throws MeterError('reader') for a TLS file or header that can't be used. */
export function createHttpTransport(
  config: OtlpHttpConfig,
  { proxy, idleMs = IDLE_MS }: HttpTransportOptions = {},
): Transport {
  checkHeaders(config);
  const url = new URL(config.endpoint);
  const keeping = { keepAlive: true, timeout: idleMs };
  const route = httpRoute(url, { ...keeping, ...(url.protocol === 'https:' && tlsOptions(config)) }, proxy);
  const headers = { ...config.headers, ...route.headers, 'content-type': PROTOBUF };

  const post = (body: Uint8Array, extra: Record<string, string>, timeoutMs: number): Promise<Answer> => {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    let connected = false;
    const request = route.send({
      ...route.options,
      agent: route.agent,
      method: 'POST',
      headers: { ...headers, ...extra, 'content-length': body.length },
    });
    const timer = setTimeout(() => request.destroy(new TimeoutError(timeoutMs)), timeoutMs);
    const fail = (error: Error): void => {
      const isProxys =
        proxy !== undefined && !connected && !(error instanceof TimeoutError || error instanceof ProxyError);
      resolve(failureOf(isProxys ? new ProxyError(proxy, error.message) : error, connected));
    };
    request.on('socket', (socket) => {
      if (request.reusedSocket) connected = true;
      else socket.once(route.connected, () => (connected = true));
    });
    request.on('error', fail);
    request.on('response', (response) => {
      readBody(response)
        .then((bytes) => resolve(answerOf(response, bytes)))
        .catch(fail);
    });
    request.end(body);
    promise.then(() => clearTimeout(timer));
    return promise;
  };
  return {
    async send(request, timeoutMs) {
      if (config.compression === 'none') return post(request, {}, timeoutMs);
      const body = await compress(request, { level: constants.Z_BEST_SPEED });
      return post(body, { 'content-encoding': 'gzip' }, timeoutMs);
    },
    probe: (timeoutMs) => post(new Uint8Array(0), {}, timeoutMs),
    close: () => route.agent.destroy(),
  };
}

class TimeoutError extends Error {
  readonly code = 'ETIMEDOUT';

  constructor(timeoutMs: number) {
    super(`no answer after ${Math.round(timeoutMs) / 1000} s`);
  }
}

function failureOf(error: Error, sent: boolean): Failed {
  const { code } = error as NodeJS.ErrnoException;
  const isRefused = error instanceof ProxyError && error.isRefusal;
  return {
    accepted: false,
    error,
    errorType: code ?? error.name,
    retryable: !isRefused,
    answered: isRefused,
    // Which certificates the other side takes turns out when everything has been said from here.
    unclear: sent && !/^ERR_(SSL|TLS)_/.test(code ?? ''),
    tooLarge: false,
    retryAfterMs: undefined,
  };
}

/** `bytes`: the answer's body; undefined: it is too long to be read. */
function answerOf(response: IncomingMessage, bytes: Buffer | undefined): Answer {
  const { statusCode: status = 0, statusMessage = '', headers } = response;
  const isProtobuf = headers['content-type']?.startsWith(PROTOBUF) === true;
  if (status >= 200 && status < 300) {
    if (bytes === undefined) return { accepted: true, rejected: UNREAD };
    return { accepted: true, rejected: isProtobuf ? readResponse(bytes) : undefined };
  }
  const retryable = RETRYABLE.has(status);
  const said = isProtobuf && bytes !== undefined ? readStatus(bytes) : undefined;
  const where = headers.location === undefined ? '' : ` to ${headers.location}`;
  const words = [`HTTP ${status} ${statusMessage}${where}`.trim(), said?.message || undefined];
  return {
    accepted: false,
    error: new Error(words.filter((word) => word !== undefined).join(': ')),
    errorType: String(status),
    retryable,
    answered: true,
    unclear: UNCLEAR.has(status),
    tooLarge: status === 413,
    retryAfterMs: retryable ? (retryAfterMs(headers['retry-after'], headers.date) ?? said?.retryAfterMs) : undefined,
  };
}

async function readBody(response: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MOST_ANSWER_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size > MOST_ANSWER_BYTES ? undefined : Buffer.concat(chunks);
}

function tlsOptions({ tls }: OtlpHttpConfig) {
  const { ca, key, cert } = readTlsFiles(tls);
  return { ...(ca && { ca }), ...(key && { key }), ...(cert && { cert }) };
}

function checkHeaders({ endpoint, headers }: OtlpHttpConfig): void {
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch (cause) {
      throw headerError(withoutQuery(endpoint), name, cause);
    }
  }
}
