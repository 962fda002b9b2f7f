import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildQuietly } from './build-quietly.ts';
import { within } from './deadline.ts';

const tools = join(import.meta.dirname, '..', '..', 'build', 'tools');

/** What is built, and the number of its Go module. */
const version = '3.16.0';
const moduleVersion = 'v0.316.0';

const built = join(tools, `prometheus-${version}`);

/** Path of a Prometheus 3: PATH's, or the one that `npm run test:prometheus` has built. Otherwise why there is none. */
export function findPrometheus(): { path: string } | { missing: string } {
  const { status, stdout, stderr } = spawnSync('prometheus', ['--version'], { encoding: 'utf8' });
  if (status === 0 && /version 3\./.test(stdout + stderr)) return { path: 'prometheus' };
  const path = join(built, 'prometheus');
  return existsSync(path)
    ? { path }
    : { missing: 'no Prometheus 3 on PATH; "npm run test:prometheus" builds one with Go' };
}

/**
 * Builds Prometheus and promtool from their Go module into build/tools, once; some five minutes. Without the service
 * discoveries of clouds, and without the web pages, which the module doesn't have. Throws where there is no Go for it.
 */
function buildPrometheus(): string {
  const path = join(built, 'prometheus');
  if (existsSync(path)) return path;
  mkdirSync(tools, { recursive: true });
  const folder = mkdtempSync(join(tools, 'prometheus-build-'));
  try {
    const repository = 'github.com/prometheus/prometheus';
    const packages = ['prometheus', 'promtool'].map((name) => `${repository}/cmd/${name}@${moduleVersion}`);
    const flags = `-s -w -X github.com/prometheus/common/version.Version=${version}`;
    const options = ['-tags', 'remove_all_sd', '-trimpath', `-ldflags=${flags}`];
    const env = { ...process.env, GOBIN: folder, CGO_ENABLED: '0', GOWORK: 'off' };
    buildQuietly('go', ['install', ...options, ...packages], { env });
    rmSync(built, { recursive: true, force: true });
    renameSync(folder, built);
    return path;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A series of an instant query's answer. */
export interface Found {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [time: number, value: string];
  readonly histogram?: readonly [time: number, histogram: NativeHistogram];
}

/** As Prometheus's HTTP API gives native histograms. */
interface NativeHistogram {
  readonly count: string;
  readonly sum: string;
  /** How the bounds are meant, the bounds, the count. */
  readonly buckets?: readonly (readonly [rule: number, low: string, high: string, count: string])[];
}

/** A real Prometheus in a folder of its own, with this scrape configuration. */
export class PrometheusProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #url: string;
  readonly #folder: string;
  #log = '';

  private constructor(child: ChildProcess, url: string, folder: string) {
    this.#child = child;
    this.#url = url;
    this.#folder = folder;
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
  }

  /** `scrapeConfigs` is the YAML of that list. */
  static async start(path: string, scrapeConfigs: string): Promise<PrometheusProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-prometheus-'));
    const config = join(folder, 'prometheus.yml');
    writeFileSync(config, `global: {scrape_interval: 200ms, scrape_timeout: 200ms}\nscrape_configs:\n${scrapeConfigs}`);
    const port = await freePort();
    const args = [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`];
    const child = spawn(path, [...args, `--web.listen-address=127.0.0.1:${port}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return new PrometheusProcess(child, `http://127.0.0.1:${port}`, folder);
  }

  /** What an instant query answers as soon as it answers anything. */
  found(query: string): Promise<readonly Found[]> {
    return this.until(query, (series) => series.length > 0);
  }

  /** What an instant query answers as soon as it is this. */
  async until(query: string, isRight: (series: readonly Found[]) => boolean): Promise<readonly Found[]> {
    let last = '';
    const ask = async (): Promise<readonly Found[]> => {
      for (;;) {
        if (this.#child.exitCode !== null) throw new Error(`Prometheus has ended:\n${this.#log}`);
        try {
          const response = await fetch(`${this.#url}/api/v1/query?query=${encodeURIComponent(query)}`);
          last = await response.text();
          const answer = JSON.parse(last) as { data?: { result: readonly Found[] } };
          if (answer.data !== undefined && isRight(answer.data.result)) return answer.data.result;
        } catch {
          // It isn't listening yet.
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    return await within(ask(), () => `${query} answers ${last}\n${this.#log.split('\n').slice(-3).join('\n')}`, 60_000);
  }

  /** What it knows of a metric: type, help, unit; one for each set of these that its targets give. */
  async metadata(name: string): Promise<readonly Readonly<Record<string, string>>[]> {
    const response = await fetch(`${this.#url}/api/v1/metadata?metric=${encodeURIComponent(name)}`);
    const { data } = (await response.json()) as { data: Record<string, Record<string, string>[]> };
    return data[name] ?? [];
  }

  /** Why the last scrapes failed, by URL; '' where they didn't. */
  async scrapeErrors(): Promise<Readonly<Record<string, string>>> {
    const response = await fetch(`${this.#url}/api/v1/targets`);
    const { data } = (await response.json()) as { data: { activeTargets: { scrapeUrl: string; lastError: string }[] } };
    return Object.fromEntries(data.activeTargets.map(({ scrapeUrl, lastError }) => [scrapeUrl, lastError]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    await ended;
    rmSync(this.#folder, { recursive: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

if (import.meta.main) console.log(buildPrometheus());
