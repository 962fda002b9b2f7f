/** In ms: what other OTLP exporters begin and end with. */
const FIRST = 1000;
const LONGEST = 5000;
const FACTOR = 1.5;
const JITTER = 0.2;

/** How long to wait before a receiver that has said no is asked again: longer each time, and never quite the same. */
export class BackOff {
  readonly #random: () => number;
  #delay = FIRST;

  /** `random` as Math.random. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Milliseconds. */
  next(): number {
    const delay = this.#delay;
    this.#delay = Math.min(LONGEST, delay * FACTOR);
    return delay * (1 + JITTER * (2 * this.#random() - 1));
  }
}
