/** In ms: what other OTLP exporters begin and end with. */
const FIRST = 1000;
const LONGEST = 5000;
const FACTOR = 1.5;
const JITTER = 0.2;

/** The longest pause that a receiver may ask for, in ms: a mistaken `Retry-After` would silence the exporter for years. */
export const LONGEST_ASKED_MS = 300_000;

/**
 * How long to wait before a receiver that has said no is asked again: longer each time, and never quite the same. It may
 * ask for a longer pause, but not for a shorter one, which 0, or a date of a clock that is behind, would be.
 */
export class BackOff {
  readonly #random: () => number;
  #delay = FIRST;

  /** `random` as Math.random. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Milliseconds; `askedMs` is what the receiver asks for. */
  next(askedMs = 0): number {
    const delay = this.#delay * (1 + JITTER * (2 * this.#random() - 1));
    this.#delay = Math.min(LONGEST, this.#delay * FACTOR);
    return Math.max(delay, Math.min(askedMs, LONGEST_ASKED_MS));
  }

  /** The receiver takes what it is sent. */
  reset(): void {
    this.#delay = FIRST;
  }
}
