import type { ReaderLog } from './reader.ts';

/** Logs what fails in one collection after the other when that begins and when it ends, rather than each time. */
export class RecurringErrors {
  readonly #log: ReaderLog;
  readonly #subject: string;
  #failing: ReadonlySet<string> = new Set();

  constructor(log: ReaderLog, subject: string) {
    this.#log = log;
    this.#subject = subject;
  }

  /** Takes in all that failed in a collection. */
  report(errors: readonly unknown[]): void {
    if (errors.length === 0 && this.#failing.size === 0) return;
    const messages = new Set(errors.map((error) => (error instanceof Error ? error.message : String(error))));
    for (const message of messages) {
      if (!this.#failing.has(message)) this.#log.warn(`${this.#subject}: ${message}`);
    }
    for (const message of this.#failing) {
      if (!messages.has(message)) this.#log.info(`${this.#subject}: no longer: ${message}`);
    }
    this.#failing = messages;
  }
}
