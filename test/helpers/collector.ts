import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { within } from './deadline.ts';

/** Where test/collector/build.ts puts it. */
export const collectorPath = join(import.meta.dirname, '..', '..', 'build', 'tools', 'otelcol');

/** Why tests of it are skipped; false where it is there. */
export const noCollector = existsSync(collectorPath)
  ? false
  : 'there is no Collector: `npm run test:collector` builds it, with Go 1.25 or newer';

interface CollectorOptions {
  readonly protocol: 'grpc' | 'http';
  /** PEM files; with `ca`, clients have to show a certificate of it. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca?: string };
  /** What clients have to send as `authorization: Bearer …`. */
  readonly token?: string;
  /** HOST:PORT of an OTLP/gRPC receiver that gets everything before it is acknowledged; unset: a file. */
  readonly forwardTo?: string;
}

/** One point as the Collector wrote it down. */
interface StoredPoint {
  readonly attributes: Readonly<Record<string, string>>;
  readonly start: bigint;
  readonly time: bigint;
  /** Of a number its value, of a histogram its count. */
  readonly value: number;
  /** The whole point as OTLP/JSON has it. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** A real Collector that receives OTLP on localhost, and can be ended, frozen and started again at the same port. */
export class Collector implements AsyncDisposable {
  readonly url: string;
  readonly #options: CollectorOptions;
  readonly #folder: string;
  readonly #health: string;
  #process: ChildProcess | undefined;
  #output = '';

  private constructor(options: CollectorOptions, folder: string, ports: readonly number[]) {
    this.#options = options;
    this.#folder = folder;
    this.#health = `127.0.0.1:${ports[1]}`;
    const path = options.protocol === 'http' ? '/v1/metrics' : '';
    this.url = `${options.tls === undefined ? 'http' : 'https'}://localhost:${ports[0]}${path}`;
    writeFileSync(join(folder, 'config.yaml'), this.#config(ports[0]!));
  }

  /** Resolves when it receives. */
  static async start(options: CollectorOptions): Promise<Collector> {
    const folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-collector-'));
    const collector = new Collector(options, folder, await freePorts(2));
    await collector.start();
    return collector;
  }

  /** Starts it where it was ended; what it stored stays. */
  async start(): Promise<void> {
    const child = spawn(collectorPath, ['--config', join(this.#folder, 'config.yaml')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        this.#output += data;
      });
    }
    const ready = async (): Promise<void> => {
      for (;;) {
        if (child.exitCode !== null) throw new Error(`the Collector ended:\n${this.#output}`);
        const answer = await fetch(`http://${this.#health}`).catch(() => undefined);
        if (answer?.ok) return;
        await setTimeout(20);
      }
    };
    await within(ready(), () => `the Collector isn't ready:\n${this.#output}`);
  }

  /** SIGTERM: it finishes what it has begun and writes everything down. SIGKILL: it does not. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    await ended;
  }

  /** It no longer runs, and nobody is told: connections stay open. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  /** All points of a metric that it has written down, oldest first. */
  points(metric: string): StoredPoint[] {
    const path = join(this.#folder, 'metrics.json');
    if (!existsSync(path)) return [];
    // The last line may be half written.
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
    return lines.flatMap((line) => pointsOf(JSON.parse(line) as Stored, metric));
  }

  /** Resolves when `test` is true, which looks at what was stored; rejects after a while, with what `why` says too. */
  async until(test: () => boolean, why: () => string = () => ''): Promise<void> {
    let waiting = true;
    const reach = async (): Promise<void> => {
      while (waiting && !test()) await setTimeout(20);
    };
    try {
      await within(reach(), () => `not stored: ${why()}\n${this.#output.slice(-2000)}`);
    } finally {
      waiting = false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.#folder, { recursive: true });
  }

  /** JSON, which YAML takes too. */
  #config(port: number): string {
    const { protocol, tls, token, forwardTo } = this.#options;
    const receiver = {
      endpoint: `localhost:${port}`,
      ...(tls && { tls: { key_file: tls.key, cert_file: tls.cert, ...(tls.ca && { client_ca_file: tls.ca }) } }),
      ...(token !== undefined && { auth: { authenticator: 'bearertokenauth' } }),
    };
    const exporters =
      forwardTo === undefined
        ? { file: { path: join(this.#folder, 'metrics.json'), append: true, flush_interval: '20ms' } }
        : {
            otlp: {
              endpoint: forwardTo,
              tls: { insecure: true },
              sending_queue: { enabled: false },
              retry_on_failure: { enabled: false },
            },
          };
    const config = {
      extensions: {
        health_check: { endpoint: this.#health },
        ...(token !== undefined && { bearertokenauth: { token } }),
      },
      receivers: { otlp: { protocols: { [protocol]: receiver } } },
      exporters,
      service: {
        extensions: ['health_check', ...(token === undefined ? [] : ['bearertokenauth'])],
        pipelines: { metrics: { receivers: ['otlp'], exporters: Object.keys(exporters) } },
        telemetry: { metrics: { level: 'none' } },
      },
    };
    return JSON.stringify(config);
  }
}

interface Stored {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly StoredMetric[] }[];
  }[];
}
type StoredMetric = { readonly name: string } & Partial<
  Record<'sum' | 'gauge' | 'histogram' | 'exponentialHistogram', { readonly dataPoints: readonly StoredJson[] }>
>;
interface StoredJson {
  readonly attributes?: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
  readonly startTimeUnixNano?: string;
  readonly timeUnixNano: string;
  readonly asInt?: string;
  readonly asDouble?: number;
  readonly count?: string;
}

function pointsOf({ resourceMetrics }: Stored, name: string): StoredPoint[] {
  const metrics = resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  return metrics
    .filter((metric) => metric.name === name)
    .flatMap(({ sum, gauge, histogram, exponentialHistogram }) => {
      return (sum ?? gauge ?? histogram ?? exponentialHistogram)?.dataPoints ?? [];
    })
    .map((json) => ({
      attributes: Object.fromEntries((json.attributes ?? []).map(({ key, value }) => [key, value.stringValue ?? ''])),
      start: BigInt(json.startTimeUnixNano ?? 0),
      time: BigInt(json.timeUnixNano),
      value: Number(json.asInt ?? json.asDouble ?? json.count ?? 0),
      json: { ...json },
    }));
}

/** Ports that nobody listens on, free at the same time. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, 'localhost'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  for (const server of servers) server.close();
  return ports;
}
