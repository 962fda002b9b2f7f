import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Order, Report } from './worker.ts';

const targets = join(import.meta.dirname, 'targets');

/** CPU time, since the machine may be busy: no parser needs as much for one small input. */
const longestCpuMs = 20_000;
/** More than all that a parser may need. */
const memoryMb = 512;

export const targetNames: readonly string[] = globSync('*.ts', { cwd: targets })
  .map((path) => basename(path, '.ts'))
  .sort();

interface FuzzOptions {
  /** That of the first input, below 2^32; each next one has the next. */
  readonly seed: number;
  readonly seconds?: number;
  /** Inputs at most. */
  readonly count?: number;
  /** A folder of other targets than ours. */
  readonly folder?: string;
  /** CPU time that one input may take. */
  readonly longestMs?: number;
}

interface FuzzFailure {
  readonly seed: number;
  readonly error: string;
  /** What the parser was given, as far as the target has told. */
  readonly input: string;
}

interface FuzzResult {
  readonly taken: number;
  readonly refused: number;
  readonly failure?: FuzzFailure;
}

/** Gives a parser one input after the other, until the time is over or something fails, which ends, stops or fills its thread. */
export async function fuzz(name: string, options: FuzzOptions): Promise<FuzzResult> {
  const { seed: firstSeed, seconds = Infinity, count = Infinity, folder = targets, longestMs = longestCpuMs } = options;
  const progress = new Uint32Array(new SharedArrayBuffer(8));
  const order: Order = { path: join(folder, `${name}.ts`), firstSeed, seconds, count, progress };
  const worker = new Worker(join(import.meta.dirname, 'worker.ts'), {
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
  });
  const failed = (error: string): FuzzResult => ({
    taken: 0,
    refused: 0,
    failure: { seed: progress[0]!, error, input: '' },
  });
  const { promise, resolve } = Promise.withResolvers<FuzzResult>();
  worker.once('message', (report: Report) => {
    resolve('error' in report ? { taken: 0, refused: 0, failure: report } : report);
  });
  worker.once('error', (error) => resolve(failed(inspect(error))));
  worker.once('exit', (status) => resolve(failed(`it has ended its thread with status ${status}`)));
  let known = 0;
  let since = process.cpuUsage();
  const watch = setInterval(() => {
    const [, tried = 0] = progress;
    if (tried !== known) {
      known = tried;
      since = process.cpuUsage();
    }
    const { user, system } = process.cpuUsage(since);
    // Until the first input it loads what it needs.
    const limit = tried === 0 ? longestCpuMs : longestMs;
    if ((user + system) / 1000 > limit) resolve(failed(`it takes more than ${limit / 1000} s of CPU time`));
  }, 100);
  try {
    return await promise;
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}
