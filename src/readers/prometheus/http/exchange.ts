import type { IncomingMessage, ServerResponse } from 'node:http';

/** One for all: an error of its own for each would be a stack trace per scrape. */
const over = new Error('nobody waits for the answer any longer');

/** A request and the answer to it. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** As `clientOf` has it. */
  readonly client: string;
  readonly #over = new AbortController();
  /** Listeners of a signal cost some microseconds each. */
  readonly #listeners: (() => void)[] = [];
  #sendingSince: number | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, client: string) {
    this.request = request;
    this.response = response;
    this.client = client;
  }

  /** Aborted when the answer has been taken, or the connection is gone. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Whether it is still to be answered. */
  get isOpen(): boolean {
    return !this.isOver && !this.response.headersSent;
  }

  /** Since when its page waits to be taken, on the clock of performance.now(); undefined where none does. */
  get sendingSince(): number | undefined {
    return this.#sendingSince;
  }

  /** From now on it waits for its client alone. */
  sends(): void {
    this.#sendingSince = performance.now();
  }

  /** Calls once it is over, at once where it is. */
  whenOver(listener: () => void): void {
    if (this.isOver) listener();
    else this.#listeners.push(listener);
  }

  /** To be called by whoever sees the end of the answer or of the connection. */
  end(): void {
    if (this.isOver) return;
    this.#over.abort(over);
    for (const listener of this.#listeners) listener();
  }

  /** Closes the connection, and with it all that it still asks for. */
  breakOff(): void {
    this.request.socket.destroy();
  }
}
