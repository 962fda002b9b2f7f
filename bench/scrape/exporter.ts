import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { root } from '../root.ts';

/** What a scraper may ask for. */
const scrapeKinds = {
  plain: {},
  gzip: { 'accept-encoding': 'gzip' },
  zstd: { 'accept-encoding': 'zstd' },
  OpenMetrics: { accept: 'application/openmetrics-text;version=1.0.0' },
  protobuf: {
    accept: 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
  },
} as const satisfies Record<string, Record<string, string>>;

export type ScrapeKind = keyof typeof scrapeKinds;

interface Scrape {
  readonly body: Buffer;
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** A real ebpf-meter process, measured from outside. */
export class Exporter implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #port: number;
  /** From the start of node to the first good scrape. */
  startMs = 0;
  output = '';

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.#port = port;
    process.stderr?.on('data', (data) => {
      this.output += data;
    });
    process.stdout?.on('data', (data) => {
      this.output += data;
    });
  }

  /** `main` is what node runs: the sources or the built package. Resolves after the first good scrape. */
  static async start(main: string, options: readonly string[], nodeOptions: readonly string[] = []): Promise<Exporter> {
    const port = await freePort();
    const parameters = [
      '--disable-sigusr1',
      '--max-semi-space-size=2',
      ...nodeOptions,
      join(root, main),
      'run',
      '--prometheus',
      `127.0.0.1:${port}`,
      ...options,
    ];
    const begin = performance.now();
    const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
    const exporter = new Exporter(child, port);
    for (;;) {
      if (child.exitCode !== null) throw new Error(`ebpf-meter ended:\n${exporter.output}`);
      try {
        await exporter.body('plain');
        break;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    exporter.startMs = performance.now() - begin;
    return exporter;
  }

  async scrape(kind: ScrapeKind): Promise<Scrape> {
    const cpu = this.cpuMs();
    const begin = performance.now();
    const body = await this.body(kind);
    const wallMs = performance.now() - begin;
    return { body: decompressed(kind, body), wallMs, cpuMs: this.cpuMs() - cpu };
  }

  /** CPU time of all threads so far; from schedstat, which counts nanoseconds where utime counts ticks. */
  cpuMs(): number {
    const tasks = `/proc/${this.#process.pid}/task`;
    let ns = 0;
    for (const task of readdirSync(tasks))
      ns += Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]);
    return ns / 1e6;
  }

  /** CPU ms of the longest turn of the event loop since the last call; only with loop-delay.ts imported. */
  async longestTurnMs(): Promise<number> {
    this.output = '';
    this.#process.kill('SIGUSR2');
    for (;;) {
      const [, text] = /longest turn: (\S+) ms/.exec(this.output) ?? [];
      if (text !== undefined) return Number(text);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Resident memory, MiB. */
  residentMib(): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGTERM');
    await ended;
  }

  /** As it was sent; nothing is measured. */
  body(kind: ScrapeKind): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const headers = scrapeKinds[kind];
      const request = get({ port: this.#port, host: '127.0.0.1', path: '/metrics', agent: this.#agent, headers });
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(Buffer.concat(chunks));
          else reject(new Error(`status ${response.statusCode}`));
        });
      });
    });
  }
}

function decompressed(kind: ScrapeKind, body: Buffer): Buffer {
  if (kind === 'gzip') return gunzipSync(body);
  return kind === 'zstd' ? zstdDecompressSync(body) : body;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
