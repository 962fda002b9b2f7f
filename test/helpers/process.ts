import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { within } from './deadline.ts';
import { type PrometheusPage, parsePrometheusText } from './prometheus-text.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** What runs the sources, in front of the arguments. */
export const meterCommand: readonly string[] = [process.execPath, '--disable-sigusr1', '--max-semi-space-size=2', main];

/** The same after a shell has done something, such as setting a limit. */
export function commandAfter(script: string): readonly string[] {
  return ['sh', '-c', `${script} && exec "$@"`, 'sh', ...meterCommand];
}

/** Where Node keeps what it has compiled: half of a start of the sources. */
const { NODE_COMPILE_CACHE } = process.env;

/** What the end of the process may take, as service managers are told. */
const endWithinMs = 5000;

export interface Ended {
  /** null where a signal that it doesn't handle ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface ProcessOptions {
  /** What stands in front of the arguments: `meterCommand`, unless set. */
  readonly command?: readonly string[];
  /** true: it leads a process group, whose members all get what `kill` sends, as in a terminal. */
  readonly group?: boolean;
  /** Its working directory: that of the test, unless set. */
  readonly cwd?: string;
}

/** What the first thread of a process has waited for a CPU, in ms; 0 where it is gone. Source: Documentation/scheduler/sched-stats.rst. */
function waitedMs(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

/** A real ebpf-meter process; killed where the test leaves it running. */
export class MeterProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #ended: Promise<number | null>;
  readonly #group: boolean;
  stdout = '';
  stderr = '';

  /** `env` is the whole environment but PATH, and Node's cache. */
  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}, options: ProcessOptions = {}) {
    const [file, ...rest] = [...(options.command ?? meterCommand), ...args];
    this.#group = options.group ?? false;
    this.child = spawn(file!, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }), ...env },
      detached: this.#group,
      cwd: options.cwd,
    });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#ended = once(this.child, 'close').then(([status]) => status as number | null);
  }

  /** Resolves with the first match in what it logs; rejects when it ends without. */
  logged(pattern: RegExp): Promise<RegExpExecArray> {
    return within(this.#logged(pattern), () => `it has not said ${pattern}:\n${this.stderr}`);
  }

  async #logged(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stderr);
      if (match !== null) return match;
      const more = once(this.child.stderr!, 'data').then(() => true);
      const isGoing = await Promise.race([more, this.#ended.then(() => false)]);
      const last = pattern.exec(this.stderr);
      if (last !== null) return last;
      if (!isGoing) throw new Error(`ended without saying ${pattern}:\n${this.stderr}`);
    }
  }

  async ended(): Promise<Ended> {
    return { status: await this.#ended, stdout: this.stdout, stderr: this.stderr };
  }

  kill(signal: NodeJS.Signals): void {
    const { pid } = this.child;
    if (this.#group && pid !== undefined) process.kill(-pid, signal);
    else this.child.kill(signal);
  }

  /**
   * Sends a signal and resolves when the process has ended; rejects where that takes more than 5 s, less what it and the test
   * had to wait for a CPU, which a busy machine has little of.
   */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    const waits = () => waitedMs(this.child.pid) + waitedMs(process.pid);
    const before = waits();
    let waited = 0;
    const watch = setInterval(() => {
      waited = Math.max(waited, waits() - before);
    }, 20);
    const begin = performance.now();
    this.kill(signal);
    try {
      const ended = await within(this.ended(), () => `it is still there after ${signal}:\n${this.stderr}`);
      const took = performance.now() - begin;
      if (took - waited > endWithinMs) {
        throw new Error(`it ended ${took} ms after ${signal}, ${waited} ms of them without a CPU:\n${this.stderr}`);
      }
      return ended;
    } finally {
      clearInterval(watch);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.kill('SIGKILL');
    await this.#ended;
  }
}

/** A process that serves a Prometheus page on a free port. */
export class RunningMeter extends MeterProcess {
  url = '';

  /** Resolves when everything is attached and the page is there; `args` go to the command `run`. */
  static async start(
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
    options?: ProcessOptions,
  ): Promise<RunningMeter> {
    const meter = new RunningMeter(['run', '--prometheus', '127.0.0.1:0', ...args], env, options);
    try {
      await meter.logged(/ INFO {2}running after /);
      meter.url = (await meter.logged(/ metrics: (http:\S+\/metrics)/))[1]!;
      return meter;
    } catch (error) {
      await meter[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The page's text, uncompressed unless the headers ask for more. */
  async text(headers: Readonly<Record<string, string>> = { 'accept-encoding': 'identity' }): Promise<string> {
    const response = await fetch(this.url, { headers });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${this.url}: status ${response.status}: ${text}`);
    return text;
  }

  async scrape(): Promise<Scrape> {
    return new Scrape(await this.text());
  }
}

/** A page that the strict parser took. */
export class Scrape {
  readonly text: string;
  readonly page: PrometheusPage;

  constructor(text: string) {
    this.text = text;
    this.page = parsePrometheusText(text);
  }

  /** The sum of the samples of that name that have these labels, maybe beside others; 0 where there are none. */
  total(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(labels);
    let total = 0;
    for (const { samples } of this.page.families.values()) {
      for (const sample of samples) {
        if (sample.name !== name || !wanted.every(([label, value]) => sample.labels[label] === value)) continue;
        total += sample.value;
      }
    }
    return total;
  }

  /** The lines, HELP and TYPE among them, of the metrics whose names begin so. */
  linesOf(prefix: string): string {
    const lines = this.text.split('\n').filter((line) => line.replace(/^# (HELP|TYPE) /, '').startsWith(prefix));
    return lines.map((line) => `${line}\n`).join('');
  }
}

/** Runs to the end. */
export async function runMeter(
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
  options?: ProcessOptions,
): Promise<Ended> {
  await using meter = new MeterProcess(args, env, options);
  return await within(meter.ended(), () => `it has not ended:\n${meter.stderr}`);
}
