/** Whether anybody still waits for something that several have asked for. */
export class Wanted {
  readonly #nobody = new AbortController();
  #waiting = 0;

  /** Aborted when all who waited have gone. */
  get signal(): AbortSignal {
    return this.#nobody.signal;
  }

  /** One more waits, until its signal is aborted; without one, for ever. */
  add(signal: AbortSignal | undefined): void {
    this.#waiting++;
    const leave = () => {
      if (--this.#waiting === 0) this.#nobody.abort();
    };
    if (signal?.aborted) leave();
    else signal?.addEventListener('abort', leave, { once: true });
  }
}
