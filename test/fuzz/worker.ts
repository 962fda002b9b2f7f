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
  /** The seed that is being tried, and how many have been begun, for whoever sees that it never ends. */
  readonly progress: Uint32Array;
}

/** What it tells at the end. */
export type Report =
  | { readonly taken: number; readonly refused: number }
  | { readonly seed: number; readonly input: string; readonly error: string };

async function run({ path, firstSeed, seconds, count, progress }: Order): Promise<Report> {
  const { start } = (await import(path)) as { start: StartTarget };
  const target = await start();
  const outcomes = { taken: 0, refused: 0 };
  const end = performance.now() + seconds * 1000;
  try {
    for (let tried = 0; tried < count && performance.now() < end; tried++) {
      const seed = firstSeed + tried;
      progress[0] = seed;
      progress[1] = tried + 1;
      const attempt = new Attempt(seed);
      try {
        outcomes[await target.attempt(attempt)]++;
      } catch (error) {
        return { seed, input: attempt.input, error: inspect(error) };
      }
    }
    return outcomes;
  } finally {
    await target.close?.();
  }
}

parentPort!.postMessage(await run(workerData as Order));
