import { EventEmitter, once } from 'node:events';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { within } from './deadline.ts';

/** One OTLP metric as a test compares it; 64-bit integers are bigints, or numbers where they stand for counts. */
export interface ReceivedMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly kind: 'sum' | 'gauge' | 'histogram';
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
}

export interface ReceivedExport {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scopes: readonly { name: string; version: string; metrics: readonly ReceivedMetric[] }[];
  readonly headers: Readonly<Record<string, unknown>>;
  /** Of all scopes. */
  metric(name: string): ReceivedMetric | undefined;
}

/** accept: store it and say OK. partial: store it and say that three points were rejected. unavailable, exhausted: refuse with that status. hang: never answer. */
export type Behaviour = 'accept' | 'partial' | 'unavailable' | 'exhausted' | 'hang';

export interface OtlpServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Exports that were accepted, oldest first. */
  readonly accepted: readonly ReceivedExport[];
  /** How many requests there were, accepted or not. */
  readonly requests: number;
  behaviour: Behaviour;
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
const PARTIAL_SUCCESS = Buffer.from('\x0a\x0b\x08\x03\x12\x07too old', 'latin1');

const root = protobuf.loadSync(new URL('otlp-metrics.proto', import.meta.url).pathname);
const requestType = root.lookupType('otlp.ExportMetricsServiceRequest');

/** A Collector in the test's own process: an OTLP/gRPC receiver of metrics on localhost with switches. */
export async function startOtlpServer(options: OtlpServerOptions = {}): Promise<OtlpServer> {
  const server = new Server();
  const events = new EventEmitter();
  events.setMaxListeners(0);
  const accepted: ReceivedExport[] = [];
  const state = { behaviour: 'accept' as Behaviour, requests: 0 };

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
        state.requests++;
        if (state.behaviour === 'accept' || state.behaviour === 'partial') {
          accepted.push(decodeExport(call.request, call.metadata.getMap()));
          callback(null, state.behaviour === 'partial' ? PARTIAL_SUCCESS : Buffer.alloc(0));
        } else if (state.behaviour === 'unavailable') {
          callback({ code: status.UNAVAILABLE, details: 'switched off by the test' });
        } else if (state.behaviour === 'exhausted') {
          callback({ code: status.RESOURCE_EXHAUSTED, details: 'message larger than the test allows' });
        }
        events.emit('request');
      },
    },
  );
  const port = await bind(server, options);

  const find = async (test: (received: ReceivedExport) => boolean): Promise<ReceivedExport> => {
    for (;;) {
      const found = accepted.find(test);
      if (found !== undefined) return found;
      await once(events, 'request');
    }
  };
  const reach = async (count: number): Promise<void> => {
    while (state.requests < count) await once(events, 'request');
  };

  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://localhost:${port}`,
    port,
    accepted,
    get requests() {
      return state.requests;
    },
    get behaviour() {
      return state.behaviour;
    },
    set behaviour(behaviour) {
      state.behaviour = behaviour;
    },
    waitFor: (test) => within(find(test), () => `none of ${accepted.length} exports is what is waited for`),
    waitForRequests: (count) => within(reach(count), () => `${state.requests} requests instead of ${count}`),
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
    },
  };
}

type Callback = (error: { code: number; details: string } | null, response?: Buffer) => void;

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
}

function decodeMetric(metric: WireMetric): ReceivedMetric {
  const kind = (['sum', 'gauge', 'histogram'] as const).find((name) => metric[name] !== undefined);
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
