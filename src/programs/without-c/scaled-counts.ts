/**
 * Counts of the events of one group, as if it had been on the PMU all the time.
 *
 * Where a PMU has fewer counters than are asked for, the kernel gives them to the groups in turns, and says how long a
 * group was enabled and how long it ran. What was counted between two readings is multiplied by that time's own
 * enabled / running: totals over all times would fall when the share rises (perf_event_open(2), read format).
 */
export class ScaledCounts {
  /** One per event; they never fall. */
  readonly totals: BigUint64Array;
  readonly #last: BigUint64Array;
  #enabled = 0n;
  #running = 0n;

  constructor(events: number) {
    this.totals = new BigUint64Array(events);
    this.#last = new BigUint64Array(events);
  }

  /** Takes what was read: nanoseconds enabled and running, and the counts from `words[first]` on, all since the beginning. */
  add(enabled: bigint, running: bigint, words: BigUint64Array, first: number): void {
    const wholeTime = enabled - this.#enabled;
    const ownTime = running - this.#running;
    // It hasn't run: what happened meanwhile is told by the next time that it does.
    if (ownTime <= 0n && wholeTime > 0n) return;
    for (let event = 0; event < this.totals.length; event++) {
      const count = words[first + event]! - this.#last[event]!;
      this.totals[event]! += ownTime < wholeTime ? (count * wholeTime) / ownTime : count;
      this.#last[event] = words[first + event]!;
    }
    this.#enabled = enabled;
    this.#running = running;
  }

  /** The event was opened anew, and counts from 0; the totals stay. */
  restart(): void {
    this.#last.fill(0n);
    this.#enabled = 0n;
    this.#running = 0n;
  }
}
