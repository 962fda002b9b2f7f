import type { Client, ServiceError } from '@grpc/grpc-js';
import type { OtlpGrpcConfig } from '../../../config/exporter/configuration.ts';
import { exportErrorText, exportErrorType } from '../../export-error.ts';
import { readTlsFiles } from '../../tls-files.ts';
import { MOST_ANSWER_BYTES, readResponse, readStatus, UNREAD } from './answers.ts';
import { tunneled } from './grpc-tunnel.ts';
import { headerError } from './header-error.ts';
import type { HttpProxy } from './proxy.ts';
import type { Answer, Failed, Transport } from './transport.ts';
import { ProxyError } from './tunnel.ts';

const METHOD = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';

/** A receiver that is there again is found within a second, jitter of a fifth included. */
const RECONNECT = { initial: 100, longest: 600 };

/** Source: "Failures" in docs/specification.md of opentelemetry-proto. RESOURCE_EXHAUSTED only with a RetryInfo. */
const RETRYABLE = new Set(['CANCELLED', 'DEADLINE_EXCEEDED', 'ABORTED', 'OUT_OF_RANGE', 'UNAVAILABLE', 'DATA_LOSS']);

/** With these a receiver says that it has not taken anything. */
const REFUSALS = new Set([
  'UNAVAILABLE',
  'RESOURCE_EXHAUSTED',
  'INVALID_ARGUMENT',
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
  'UNIMPLEMENTED',
  'NOT_FOUND',
  'FAILED_PRECONDITION',
  'OUT_OF_RANGE',
]);

/** grpc-js's words for calls that never got a connection. */
const NOT_SENT = /^No connection established|^Name resolution failed|Waiting for LB pick|name resolution: [^,]*$/;

/** grpc-js's words for answers that it doesn't read; the receiver says its own of requests. */
const TOO_LONG = new RegExp(
  `^Received message (larger than max \\(\\d+ vs|that decompresses to a size larger than) ${MOST_ANSWER_BYTES}\\b`,
);

interface GrpcTransportOptions {
  /** Through which the receiver is reached; none unless set. */
  readonly proxy?: HttpProxy | undefined;
  /** Takes what grpc-js has to say of itself, a line at a time. */
  readonly debug?: (message: string) => void;
}

/**
 * OTLP over gRPC. Rejects with MeterError('reader') for a TLS file or header that can't be used.
 * gRPC is imported here, and only here, since it takes some 100 ms.
 */
export async function createGrpcTransport(
  config: OtlpGrpcConfig,
  { proxy, debug = () => {} }: GrpcTransportOptions = {},
): Promise<Transport> {
  const grpc = await import('@grpc/grpc-js');
  // Unless it is told otherwise, it writes to stderr by itself.
  const say = (...words: unknown[]) => debug(`gRPC: ${words.join(' ')}`);
  grpc.setLogger({ error: say, info: say, debug: say });
  const target = grpcTarget(config.endpoint);
  const direct = createCredentials(config, grpc);
  const way = proxy && tunneled(direct, proxy, target, grpc);
  const metadata = createMetadata(config, grpc);
  const patient = metadata.clone();
  patient.setOptions({ waitForReady: true });
  const options = {
    'grpc.initial_reconnect_backoff_ms': RECONNECT.initial,
    'grpc.max_reconnect_backoff_ms': RECONNECT.longest,
    // What is sent again is newer, and not kept for it.
    'grpc.enable_retries': 0,
    // Its own proxies are those of a variable that no other exporter has, also for receivers on this machine.
    'grpc.enable_http_proxy': 0,
    'grpc.default_authority': target,
    'grpc.max_receive_message_length': MOST_ANSWER_BYTES,
    'grpc.default_compression_algorithm': config.compression === 'gzip' ? 2 : 0,
  } as const;
  const connect = (): Client => new grpc.Client(way?.address ?? target, way?.credentials ?? direct, options);
  let client = connect();

  const call = (request: Uint8Array, headers: typeof metadata, timeoutMs: number): Promise<Answer> => {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    let answered = false;
    const called = client;
    const bytes = Buffer.from(request.buffer as ArrayBuffer, request.byteOffset, request.length);
    const deadline = Date.now() + timeoutMs;
    const one = called.makeUnaryRequest(METHOD, same, same, bytes, headers, { deadline }, (error, response) => {
      if (error === null) {
        resolve({ accepted: true, rejected: readResponse(response ?? new Uint8Array(0)) });
        return;
      }
      // A call has either a message or an error: who sends one has taken the request.
      if (answered && TOO_LONG.test(error.details)) {
        resolve({ accepted: true, rejected: UNREAD });
        return;
      }
      const refusal = answered ? undefined : way?.refusal();
      const failed = refusal === undefined ? failureOf(error, answered) : refusedBy(refusal);
      // Who did not answer may never do so on this connection: a machine that is gone, or a process that hangs. And a proxy
      // that refuses would be asked all the time.
      if ((refusal || (!failed.answered && failed.errorType === 'DEADLINE_EXCEEDED')) && client === called) {
        client = connect();
        called.close();
      }
      resolve(proxy !== undefined && NOT_SENT.test(error.details) ? onTheWay(failed, proxy) : failed);
    });
    one.on('metadata', () => {
      answered = true;
    });
    return promise;
  };
  return {
    send: (request, timeoutMs) => call(request, metadata, timeoutMs),
    probe: (timeoutMs) => call(new Uint8Array(0), patient, timeoutMs),
    close: () => client.close(),
  };
}

function same(bytes: Buffer): Buffer {
  return bytes;
}

/** `headersCame`: the receiver's response had begun. */
function failureOf(error: ServiceError, headersCame: boolean): Failed {
  const errorType = exportErrorType(error);
  // A response that is nothing but a status has its headers there.
  const answered = headersCame || error.metadata.get('content-type').length > 0;
  const [details] = error.metadata.get('grpc-status-details-bin');
  const retryAfterMs = details instanceof Buffer ? readStatus(details).retryAfterMs : undefined;
  const isExhausted = errorType === 'RESOURCE_EXHAUSTED';
  const retryable = RETRYABLE.has(errorType) || (isExhausted && retryAfterMs !== undefined);
  return {
    accepted: false,
    error,
    errorType,
    retryable,
    answered,
    unclear: answered ? !REFUSALS.has(errorType) : !NOT_SENT.test(error.details),
    tooLarge: isExhausted && retryAfterMs === undefined,
    retryAfterMs: retryable ? retryAfterMs : undefined,
  };
}

/** As over HTTP: a connection that never came about ended at the proxy, or behind it. */
function onTheWay(failed: Failed, proxy: HttpProxy): Failed {
  if (failed.answered) return failed;
  const error = new ProxyError(proxy, exportErrorText(failed.error));
  return { ...failed, error, errorType: error.code };
}

function refusedBy(error: ProxyError): Failed {
  return {
    accepted: false,
    error,
    errorType: error.code,
    retryable: false,
    answered: true,
    unclear: false,
    tooLarge: false,
    retryAfterMs: undefined,
  };
}

/** HOST:PORT of an endpoint; gRPC's own port, where there is none, would be 443 whatever the scheme is. */
export function grpcTarget(endpoint: string): string {
  const { protocol, hostname, port } = new URL(endpoint);
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
}

type Grpc = typeof import('@grpc/grpc-js');

function createCredentials(config: OtlpGrpcConfig, { credentials }: Grpc) {
  if (isInsecure(config)) return credentials.createInsecure();
  const { ca, key, cert } = readTlsFiles(config.tls);
  return credentials.createSsl(ca, key, cert);
}

/** A scheme decides alone; `insecure` is for an endpoint without one (protocol/exporter.md of OpenTelemetry). */
function isInsecure(config: OtlpGrpcConfig): boolean {
  if (/^https:/i.test(config.endpoint)) return false;
  return /^http:/i.test(config.endpoint) || config.tls.insecure === true;
}

function createMetadata(config: OtlpGrpcConfig, { Metadata }: Grpc) {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(config.headers)) {
    try {
      metadata.set(name, value);
    } catch (cause) {
      throw headerError(config.endpoint, name, cause);
    }
  }
  return metadata;
}
