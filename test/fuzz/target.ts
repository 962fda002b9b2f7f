import type { Attempt } from './attempt.ts';

/** What came out of one input: it was taken, or refused as an error of whoever made it. */
export type Outcome = 'taken' | 'refused';

/** One parser, and what must hold whatever it is given. */
interface FuzzTarget {
  /** Throws, or rejects, where what must hold doesn't; any error is such a failure that the parser doesn't promise. */
  attempt(attempt: Attempt): Outcome | Promise<Outcome>;
  close?(): Promise<void>;
}

/** What a file of test/fuzz/targets has as `start`. */
export type StartTarget = () => FuzzTarget | Promise<FuzzTarget>;
