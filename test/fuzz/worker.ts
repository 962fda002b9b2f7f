/** Tries one target, seed by seed, until the time or the number is over, or something fails. */
import { inspect } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import { Attempt } from './attempt.ts';
import type { StartTarget } from './target.ts';

/** What a worker is given. */
export interface Order {
  /** The file of the target. */
  readonly path: string;
  readonly firstSeed: number;
  readonly seconds: number;
  readonly count: number;
  /** The seed that is being tried, for whoever sees that it never ends. */
  readonly seed: Uint32Array;
}

/** What it tells at the end. */
export type Report =
  | { readonly taken: number; readonly refused: number }
  | { readonly seed: number; readonly input: string; readonly error: string };

async function run({ path, firstSeed, seconds, count, seed }: Order): Promise<Report> {
  const { start } = (await import(path)) as { start: StartTarget };
  const target = await start();
  const outcomes = { taken: 0, refused: 0 };
  const end = performance.now() + seconds * 1000;
  try {
    for (let tried = 0; tried < count && performance.now() < end; tried++) {
      seed[0] = firstSeed + tried;
      const attempt = new Attempt(seed[0]);
      try {
        outcomes[await target.attempt(attempt)]++;
      } catch (error) {
        return { seed: seed[0], input: attempt.input, error: inspect(error) };
      }
    }
    return outcomes;
  } finally {
    await target.close?.();
  }
}

parentPort!.postMessage(await run(workerData as Order));
