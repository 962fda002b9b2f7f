import { EventEmitter, once } from 'node:events';
import { Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { messageField, stringField, writeVarint } from '../../src/readers/wire/protobuf.ts';
import { within } from './deadline.ts';

/** One OTLP metric as a test compares it; 64-bit integers are bigints, or numbers where they stand for counts. */
export interface ReceivedMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly kind: 'sum' | 'gauge' | 'histogram' | 'exponentialHistogram';
  readonly temporality: 'cumulative' | 'delta' | undefined;
  readonly monotonic: boolean | undefined;
  readonly points: readonly ReceivedPoint[];
}

export interface ReceivedPoint {
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Nanoseconds since 1970. */
  readonly start: bigint;
  readonly time: bigint;
  /** bigint: sent as an integer. */
  readonly value?: number | bigint;
  readonly count?: number;
  readonly sum?: number;
  readonly counts?: readonly number[];
  readonly bounds?: readonly number[];
  /** Of an exponential histogram. */
  readonly scale?: number;
  readonly zeroCount?: number;
  readonly zeroThreshold?: number;
  readonly positive?: { readonly offset: number; readonly counts: readonly number[] };
}

export interface ReceivedExport {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scopes: readonly { name: string; version: string; metrics: readonly ReceivedMetric[] }[];
  readonly headers: Readonly<Record<string, unknown>>;
  /** Of all scopes. */
  metric(name: string): ReceivedMetric | undefined;
}

/**
 * accept: store it and say OK; verbose: in an answer that nobody reads. partial: store it and say that three points were rejected. unavailable, exhausted: refuse
 * with that status (of HTTP 503 and 413). hang: never answer. vanish: store it and break the connection off.
 */
type Behaviour = 'accept' | 'verbose' | 'partial' | 'unavailable' | 'exhausted' | 'hang' | 'vanish';

export interface OtlpServer extends AsyncDisposable {
  readonly kind: 'otlp_grpc' | 'otlp_http';
  readonly url: string;
  readonly port: number;
  /** Exports that were accepted, oldest first. */
  readonly accepted: readonly ReceivedExport[];
  /** How many requests there were, accepted or not; those without data are `probes`. */
  readonly requests: number;
  readonly probes: number;
  /** Bytes of each of them, uncompressed. */
  readonly sizes: readonly number[];
  behaviour: Behaviour;
  /** Says so where it refuses. */
  retryAfterS: number | undefined;
  /** Larger requests are refused as `exhausted`; any size unless set. */
  largest: number;
  /** Resolves with the first accepted export, also one of the past, for which the test is true; rejects after a while. */
  waitFor(test: (received: ReceivedExport) => boolean): Promise<ReceivedExport>;
  /** Resolves when there have been so many requests in all; rejects after a while. */
  waitForRequests(count: number): Promise<void>;
}

export interface OtlpServerOptions {
  /** 0, unless set: any free port. */
  readonly port?: number;
  /** PEM; unset: no TLS. With `ca`, clients have to show a certificate of it. */
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer; readonly ca?: Buffer };
}

/** ExportMetricsServiceResponse with partial_success (1): rejected_data_points (1) and error_message (2). */
export const PARTIAL_SUCCESS = Buffer.from('\x0a\x0b\x08\x03\x12\x07too old', 'latin1');

/** A partial_success with more than 4 MiB of text. */
export const VERBOSE_ANSWER = messageField(1, [stringField(2, 'x'.repeat(4 * 1024 * 1024))]);

const TOO_LARGE = 'Received message larger than max (5000000 vs 4194304)';

const root = protobuf.loadSync(new URL('otlp-metrics.proto', import.meta.url).pathname);
const requestType = root.lookupType('otlp.ExportMetricsServiceRequest');

/** What a server of either protocol does with the requests that come. */
export class Reception {
  readonly accepted: ReceivedExport[] = [];
  requests = 0;
  probes = 0;
  behaviour: Behaviour = 'accept';
  retryAfterS: number | undefined;
  largest = Number.POSITIVE_INFINITY;
  readonly sizes: number[] = [];
  readonly #events = new EventEmitter().setMaxListeners(0);

  /** Returns how to answer. */
  receive(request: Buffer, headers: Record<string, unknown>): Behaviour {
    if (request.length === 0) {
      this.probes++;
      return this.behaviour === 'partial' ? 'accept' : this.behaviour;
    }
    this.requests++;
    this.sizes.push(request.length);
    if (request.length > this.largest) return 'exhausted';
    if (['accept', 'verbose', 'partial', 'vanish'].includes(this.behaviour))
      this.accepted.push(decodeExport(request, headers));
    this.#events.emit('request');
    return this.behaviour;
  }

  waitFor(test: (received: ReceivedExport) => boolean): Promise<ReceivedExport> {
    const find = async (): Promise<ReceivedExport> => {
      for (;;) {
        const found = this.accepted.find(test);
        if (found !== undefined) return found;
        await once(this.#events, 'request');
      }
    };
    return within(find(), () => `none of ${this.accepted.length} exports is what is waited for`);
  }

  waitForRequests(count: number): Promise<void> {
    const reach = async (): Promise<void> => {
      while (this.requests < count) await once(this.#events, 'request');
    };
    return within(reach(), () => `${this.requests} requests instead of ${count}`);
  }

  /** The server that has this reception, at its port. */
  server(kind: OtlpServer['kind'], url: string, close: () => void): OtlpServer {
    const reception = this;
    return {
      kind,
      url,
      port: Number(new URL(url).port),
      accepted: this.accepted,
      get requests() {
        return reception.requests;
      },
      get probes() {
        return reception.probes;
      },
      sizes: this.sizes,
      get largest() {
        return reception.largest;
      },
      set largest(bytes) {
        reception.largest = bytes;
      },
      get behaviour() {
        return reception.behaviour;
      },
      set behaviour(behaviour) {
        reception.behaviour = behaviour;
      },
      get retryAfterS() {
        return reception.retryAfterS;
      },
      set retryAfterS(seconds) {
        reception.retryAfterS = seconds;
      },
      waitFor: (test) => this.waitFor(test),
      waitForRequests: (count) => this.waitForRequests(count),
      async [Symbol.asyncDispose]() {
        close();
      },
    };
  }
}

/** A Collector in the test's own process: an OTLP/gRPC receiver of metrics on localhost with switches. */
export async function startOtlpServer(options: OtlpServerOptions = {}): Promise<OtlpServer> {
  const server = new Server();
  const reception = new Reception();
  server.addService(
    {
      Export: {
        path: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
        requestStream: false,
        responseStream: false,
        requestSerialize: (bytes: Buffer) => bytes,
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    },
    {
      Export(call: { request: Buffer; metadata: { getMap(): Record<string, unknown> } }, callback: Callback) {
        const metadata = retryInfo(reception.retryAfterS);
        switch (reception.receive(call.request, call.metadata.getMap())) {
          case 'accept':
            return callback(null, Buffer.alloc(0));
          case 'verbose':
            return callback(null, VERBOSE_ANSWER);
          case 'partial':
            return callback(null, PARTIAL_SUCCESS);
          case 'unavailable':
            return callback({ code: status.UNAVAILABLE, details: 'switched off by the test', metadata });
          case 'exhausted':
            // In the words of grpc-js, which has them for answers that it doesn't read too.
            return callback({ code: status.RESOURCE_EXHAUSTED, details: TOO_LARGE, metadata });
          case 'vanish':
            return server.forceShutdown();
          case 'hang':
            return;
        }
      },
    },
  );
  const port = await bind(server, options);
  const url = `${options.tls === undefined ? 'http' : 'https'}://localhost:${port}`;
  return reception.server('otlp_grpc', url, () => server.forceShutdown());
}

/** A google.rpc.Status with a RetryInfo. */
export function retryStatus(seconds: number): Buffer {
  const type = stringField(1, 'type.googleapis.com/google.rpc.RetryInfo');
  const delay = Buffer.alloc(11, 0x08);
  const retryInfo = messageField(1, [delay.subarray(0, writeVarint(delay, 1, seconds))]);
  return Buffer.concat([Buffer.from([0x08, 14]), messageField(3, [type, messageField(2, [retryInfo])])]);
}

function retryInfo(seconds: number | undefined): Metadata {
  const metadata = new Metadata();
  if (seconds !== undefined) metadata.set('grpc-status-details-bin', retryStatus(seconds));
  return metadata;
}

type Callback = (error: { code: number; details: string; metadata: Metadata } | null, response?: Buffer) => void;

function bind(server: Server, { port = 0, tls }: OtlpServerOptions): Promise<number> {
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(
          tls.ca ?? null,
          [{ private_key: tls.key, cert_chain: tls.cert }],
          tls.ca !== undefined,
        );
  return new Promise((resolve, reject) => {
    server.bindAsync(`localhost:${port}`, credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
}

/** Decodes an ExportMetricsServiceRequest; `headers` are the call's metadata. */
export function decodeExport(bytes: Uint8Array, headers: Record<string, unknown> = {}): ReceivedExport {
  const message = requestType.toObject(requestType.decode(bytes), { longs: String, enums: String, arrays: true });
  const received = message as { resourceMetrics: WireResourceMetrics[] };
  const scopes = received.resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.map(({ scope, metrics }) => ({
      name: scope?.name ?? '',
      version: scope?.version ?? '',
      metrics: metrics.map(decodeMetric),
    })),
  );
  return {
    resource: decodeAttributes(received.resourceMetrics[0]?.resource?.attributes ?? []),
    scopes,
    headers,
    metric: (name) => scopes.flatMap(({ metrics }) => metrics).find((metric) => metric.name === name),
  };
}

interface WireResourceMetrics {
  readonly resource?: { readonly attributes: WireKeyValue[] };
  readonly scopeMetrics: { scope?: { name?: string; version?: string }; metrics: WireMetric[] }[];
}
interface WireKeyValue {
  readonly key: string;
  readonly value?: WireValue;
}
type WireValue = {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values: WireValue[] };
};
interface WireMetric {
  readonly name: string;
  readonly description?: string;
  readonly unit?: string;
  readonly sum?: WireData;
  readonly gauge?: WireData;
  readonly histogram?: WireData;
  readonly exponentialHistogram?: WireData;
}
interface WireData {
  readonly dataPoints: WirePoint[];
  readonly aggregationTemporality?: string;
  readonly isMonotonic?: boolean;
}
interface WirePoint {
  readonly attributes: WireKeyValue[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly asInt?: string;
  readonly asDouble?: number;
  readonly count?: string;
  readonly sum?: number;
  readonly bucketCounts?: string[];
  readonly explicitBounds?: number[];
  readonly scale?: number;
  readonly zeroCount?: string;
  readonly zeroThreshold?: number;
  readonly positive?: { offset?: number; bucketCounts?: string[] };
}

function decodeMetric(metric: WireMetric): ReceivedMetric {
  const kind = (['sum', 'gauge', 'histogram', 'exponentialHistogram'] as const).find(
    (name) => metric[name] !== undefined,
  );
  if (kind === undefined) throw new Error(`${metric.name}: neither sum, gauge nor histogram`);
  const data = metric[kind]!;
  const temporality = data.aggregationTemporality?.toLowerCase() as 'cumulative' | 'delta' | undefined;
  return {
    name: metric.name,
    description: metric.description ?? '',
    unit: metric.unit ?? '',
    kind,
    temporality,
    monotonic: kind === 'sum' ? (data.isMonotonic ?? false) : undefined,
    points: data.dataPoints.map((point) => decodePoint(point, kind)),
  };
}

function decodePoint(point: WirePoint, kind: ReceivedMetric['kind']): ReceivedPoint {
  const common = {
    attributes: decodeAttributes(point.attributes),
    start: BigInt(point.startTimeUnixNano),
    time: BigInt(point.timeUnixNano),
  };
  if (kind === 'exponentialHistogram') {
    return {
      ...common,
      count: Number(point.count ?? 0),
      ...(point.sum === undefined ? {} : { sum: point.sum }),
      scale: point.scale ?? 0,
      zeroCount: Number(point.zeroCount ?? 0),
      zeroThreshold: point.zeroThreshold ?? 0,
      positive: {
        offset: point.positive?.offset ?? 0,
        counts: (point.positive?.bucketCounts ?? []).map(Number),
      },
    };
  }
  if (kind !== 'histogram') {
    return { ...common, value: point.asInt === undefined ? point.asDouble! : BigInt(point.asInt) };
  }
  return {
    ...common,
    count: Number(point.count ?? 0),
    ...(point.sum === undefined ? {} : { sum: point.sum }),
    counts: (point.bucketCounts ?? []).map(Number),
    bounds: point.explicitBounds ?? [],
  };
}

function decodeAttributes(attributes: readonly WireKeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, decodeValue(value)]));
}

function decodeValue(value: WireValue | undefined): unknown {
  if (value?.arrayValue !== undefined) return value.arrayValue.values.map(decodeValue);
  if (value?.intValue !== undefined) return Number(value.intValue);
  return value?.stringValue ?? value?.boolValue ?? value?.doubleValue;
}
