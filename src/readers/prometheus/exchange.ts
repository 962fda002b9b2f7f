import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request and the answer to it. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** As `clientOf` has it. */
  readonly client: string;
  readonly #over = new AbortController();
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
    else this.signal.addEventListener('abort', listener, { once: true });
  }

  /** To be called by whoever sees the end of the answer or of the connection. */
  end(): void {
    this.#over.abort();
  }

  /** Closes the connection, and with it all that it still asks for. */
  breakOff(): void {
    this.request.socket.destroy();
  }
}
