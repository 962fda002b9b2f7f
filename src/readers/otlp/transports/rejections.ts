import type { Health } from '../../../metrics/own/health.ts';
import { receiverText } from '../../export-error.ts';
import type { ReaderLog } from '../../reader.ts';
import type { Rejected } from './transport.ts';

/** Counts what a receiver rejected of exports that it took otherwise, and logs when that begins and when it ends. */
export class Rejections {
  readonly #describe: string;
  readonly #kind: string;
  readonly #log: ReaderLog;
  readonly #health: Health;
  #last = false;
  #now: Rejected | undefined;

  /** `describe` for the log, `kind` for the attribute `exporter`. */
  constructor(describe: string, kind: string, { log, health }: { log: ReaderLog; health: Health }) {
    this.#describe = describe;
    this.#kind = kind;
    this.#log = log;
    this.#health = health;
  }

  /** One request was taken, but for this. */
  add(rejected: Rejected): void {
    this.#health.tallies.deliveries.rejected(this.#kind, rejected.points);
    this.#now ??= rejected;
  }

  /** An export has been delivered. */
  finish(): void {
    const rejected = this.#now;
    this.#now = undefined;
    if (rejected !== undefined && rejected.points > 0) {
      this.#health.tallies.exportError(this.#kind, 'partial_success');
    }
    // The message may be another one each time.
    if (rejected !== undefined && !this.#last) {
      const what = rejected.points === 0 ? 'warning of the receiver' : `${rejected.points} points rejected`;
      this.#log.warn(`${this.#describe}: ${what}: ${receiverText(rejected.message)}`);
    } else if (rejected === undefined && this.#last) {
      this.#log.info(`${this.#describe}: nothing is rejected or warned of any more`);
    }
    this.#last = rejected !== undefined;
  }
}
