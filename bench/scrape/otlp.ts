import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { root } from '../root.ts';
import { type Case, cases } from './cases.ts';
import type { Exporter } from './exporter.ts';
import { startFilled } from './filled.ts';
import { median, type Row, summary } from './table.ts';
import { pushing } from './unlimited.ts';

const INTERVAL_MS = 1000;
const EXPORTS = 12;

/** CPU and wall time of one OTLP/gRPC export, for every case. */
export async function measureExports(main: string, runs: number, selected: (name: string) => boolean): Promise<Row[]> {
  const rows: Row[] = [];
  for (const bench of cases) {
    const name = `OTLP export, ${bench.name}`;
    if (selected(name)) rows.push(await measureCase(name, bench, main, runs));
  }
  return rows;
}

/** CPU is what the process used from one export to the middle of the next interval, where it is idle. */
async function measureCase(name: string, bench: Case, main: string, runs: number): Promise<Row> {
  const figures: number[][] = [];
  const walls: string[] = [];
  let bytes = 0;
  let resident = 0;
  process.env.OTEL_METRIC_EXPORT_INTERVAL = String(INTERVAL_MS);
  process.env.OTEL_METRIC_EXPORT_TIMEOUT = String(INTERVAL_MS);
  for (let run = 0; run < runs; run++) {
    await using sink = await Sink.start();
    const { exporter: started, filler } = await startFilled(main, bench, pushing(bench, sink.url, INTERVAL_MS));
    await using exporter = started;
    const all: { ms: number; bytes: number }[] = [];
    filler.write();
    // The first export decodes the keys.
    await sink.next();
    for (let round = 0; round < EXPORTS; round++) {
      filler.write();
      const before = exporter.cpuMs();
      sink.bytes = 0;
      await sink.next();
      // More requests may follow, and the answers are still to be read by the exporter.
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS / 2));
      if (round >= 3) all.push({ ms: exporter.cpuMs() - before, bytes: sink.bytes });
    }
    // On a busy machine an export may not be over by then, or two may fall together.
    bytes = median(all.map((one) => one.bytes));
    figures.push(all.filter((one) => Math.abs(one.bytes / bytes - 1) < 0.01).map(({ ms }) => ms));
    walls.push((await meanWallMs(exporter)).toFixed(1));
    resident = exporter.residentMib();
  }
  const size = `${(bytes / 1e6).toFixed(2)} MB sent`;
  const note = `wall, mean of each process ${walls.join(', ')}; ${size}; resident ${resident.toFixed(0)} MiB`;
  return { name, figure: summary(figures), goal: bench.goal.export, note };
}

/** The longest turn of the event loop while 100,000 counters are exported, the first time, which encodes all labels, among them. */
export async function measureExportTurn(
  main: string,
  runs: number,
  selected: (name: string) => boolean,
): Promise<Row[]> {
  const bench = cases.find((one) => one.name === '100,000 counters')!;
  const name = `longest turn of the event loop, OTLP export, ${bench.name}, CPU ms`;
  if (!selected(name)) return [];
  const turns: number[][] = [];
  let last: readonly number[] = [];
  process.env.OTEL_METRIC_EXPORT_INTERVAL = String(INTERVAL_MS);
  for (let run = 0; run < runs; run++) {
    await using sink = await Sink.start();
    const probe = ['--import', join(root, 'bench/scrape/loop-delay.ts')];
    const options = pushing(bench, sink.url, INTERVAL_MS);
    const { exporter: started, filler } = await startFilled(main, bench, options, probe);
    await using exporter = started;
    // The start of the process.
    await exporter.longestTurnMs();
    const longest: number[] = [];
    for (let round = 0; round < 4; round++) {
      filler.write();
      await sink.next();
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS / 2));
      longest.push(await exporter.longestTurnMs());
    }
    turns.push([Math.max(...longest)]);
    last = longest;
  }
  return [{ name, figure: summary(turns), goal: 60, note: `by export: ${last.join(', ')}` }];
}

/** Collection and export together, from the exporter's own metrics; the first, which decodes all keys, among them. */
async function meanWallMs(exporter: Exporter): Promise<number> {
  const page = (await exporter.scrape('plain')).body.toString();
  const mean = (metric: string, label: string) => {
    const value = (suffix: string) => Number(new RegExp(`^${metric}_${suffix}{${label}} (.*)$`, 'm').exec(page)?.[1]);
    return (value('sum') / value('count')) * 1000;
  };
  const collection = mean('ebpf_meter_collection_duration_seconds', 'reader="otlp_grpc"');
  return collection + mean('ebpf_meter_export_duration_seconds', 'exporter="otlp_grpc"');
}

/** Takes every export and tells its size. */
class Sink implements AsyncDisposable {
  readonly url: string;
  /** Of all requests. */
  bytes = 0;
  readonly #server: Server;
  readonly #events: EventEmitter;

  private constructor(server: Server, events: EventEmitter, port: number) {
    this.#server = server;
    this.#events = events;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<Sink> {
    const server = new Server({ 'grpc.max_receive_message_length': -1 });
    const events = new EventEmitter();
    const pass = (bytes: Buffer) => bytes;
    const path = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';
    const codec = {
      requestSerialize: pass,
      requestDeserialize: pass,
      responseSerialize: pass,
      responseDeserialize: pass,
    };
    server.addService(
      { Export: { path, requestStream: false, responseStream: false, ...codec } },
      {
        Export: (call: { request: Buffer }, done: (error: null, answer: Buffer) => void) => {
          done(null, Buffer.alloc(0));
          sink.bytes += call.request.length;
          events.emit('export');
        },
      },
    );
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    const sink = new Sink(server, events, port);
    return sink;
  }

  /** The next request has come. */
  async next(): Promise<void> {
    await once(this.#events, 'export');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }
}
