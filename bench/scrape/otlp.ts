import { EventEmitter, once } from 'node:events';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { buildProgram } from './build.ts';
import { Exporter } from './exporter.ts';
import { Filler, findMap } from './fill.ts';
import { type Row, summary } from './table.ts';

const INTERVAL_MS = 1000;
const EXPORTS = 12;

/** CPU of one OTLP/gRPC export: what the process used from one export's arrival to the next, less that of an idle one. */
export async function measureExports(main: string, runs: number, selected: (name: string) => boolean): Promise<Row[]> {
  const rows: Row[] = [];
  const goals = [
    { entries: 10_000, goal: 12 },
    { entries: 100_000, goal: 100 },
  ];
  for (const { entries, goal } of goals) {
    const name = `CPU of one OTLP export, ${entries.toLocaleString('en')} counters, ms`;
    if (!selected(name)) continue;
    const figures: number[][] = [];
    let bytes = 0;
    let resident = 0;
    for (let run = 0; run < runs; run++) {
      await using sink = await Sink.start();
      process.env.OTEL_METRIC_EXPORT_INTERVAL = String(INTERVAL_MS);
      process.env.OTEL_METRIC_EXPORT_TIMEOUT = String(INTERVAL_MS);
      const { directory, program } = buildProgram({ entries, kind: 'counters' });
      await using exporter = await Exporter.start(main, [
        '--programs',
        directory,
        '--only',
        program,
        '--otlp',
        sink.url,
      ]);
      const filler = new Filler(findMap('bench_counters').fd, { entries, kind: 'counters' });
      const cpu: number[] = [];
      filler.write();
      await sink.next();
      for (let round = 0; round < EXPORTS; round++) {
        filler.write();
        const before = exporter.cpuMs();
        bytes = await sink.next();
        // The answer is still to be read by the exporter; an interval's middle is idle.
        await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS / 2));
        if (round >= 3) cpu.push(exporter.cpuMs() - before);
      }
      figures.push(cpu);
      resident = exporter.residentMib();
    }
    const note = `${(bytes / 1e6).toFixed(1)} MB sent; resident ${resident.toFixed(0)} MiB`;
    rows.push({ name, figure: summary(figures), goal, note });
  }
  return rows;
}

/** Takes every export and tells its size. */
class Sink implements AsyncDisposable {
  readonly url: string;
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
          events.emit('export', call.request.length);
        },
      },
    );
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    return new Sink(server, events, port);
  }

  /** Bytes of the next export. */
  async next(): Promise<number> {
    const [bytes] = (await once(this.#events, 'export')) as [number];
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }
}
