/** Milliseconds that may be worked at a stretch: other requests shall not wait longer for their turn. */
const STRETCH_MS = 15;

/** Steps between two looks at the clock. */
const STEPS = 128;

/** Tells who works in steps when it is time to let others have their turn. */
export class Stretch {
  #began = performance.now();
  #steps = 0;

  /** Begins anew, after a pause. */
  begin(): void {
    this.#began = performance.now();
    this.#steps = 0;
  }

  /** Whether it is time; one step costs next to nothing. */
  step(): boolean {
    if (++this.#steps < STEPS) return false;
    return this.isOver();
  }

  /** The same of a step that takes long. */
  isOver(): boolean {
    this.#steps = 0;
    return performance.now() - this.#began >= STRETCH_MS;
  }
}
