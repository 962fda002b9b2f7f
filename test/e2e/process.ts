import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const main = join(import.meta.dirname, '../../src/main.ts');

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A real ebpf-meter process. */
export class MeterProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #ended: Promise<number | null>;
  stdout = '';
  stderr = '';

  /** `env` is the whole environment but PATH. */
  constructor(args: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(process.execPath, ['--max-semi-space-size=2', main, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, ...env },
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
  async logged(pattern: RegExp): Promise<RegExpExecArray> {
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

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.#ended;
  }
}

/** Runs to the end. */
export async function runMeter(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  await using meter = new MeterProcess(args, env);
  return await meter.ended();
}
