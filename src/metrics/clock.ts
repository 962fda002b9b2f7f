import type { HrTime } from '@opentelemetry/api';

/** That the wall clock was set back. */
export interface ClockStep {
  /** The first reading after it, as `read` gave it. */
  readonly at: HrTime;
  /** The same on the wall clock. */
  readonly wall: HrTime;
  /** By how many milliseconds. */
  readonly byMs: number;
}

interface ClockOptions {
  /** The wall clock, in milliseconds since 1970; Date.now unless set. */
  readonly wall?: () => number;
  /** One that never goes back, in milliseconds; performance.now unless set. */
  readonly steady?: () => number;
  /** When the process began, on the wall clock. */
  readonly origin?: HrTime;
}

/**
 * The one source of the times in metrics: the wall clock, but that it never goes back, nor stands still. Whatever is
 * kept of a time is kept as `read` gave it. Where the wall clock was set back (NTP at boot, an administrator), these
 * times go on, that much ahead of it, and `told` says what they are called on the wall clock as it is now.
 */
export class Clock {
  /** When the process began. */
  readonly origin: HrTime;
  /** Oldest first. */
  readonly steps: readonly ClockStep[];
  readonly #steps: ClockStep[] = [];
  readonly #wall: () => number;
  readonly #steady: () => number;
  #last: HrTime;
  /** When that was, by the steady clock. */
  #lastSteady: number;
  /** Milliseconds by which these times are ahead of the wall clock. */
  #ahead = 0;
  #created = new WeakMap<HrTime, HrTime>();

  constructor({
    wall = Date.now,
    steady = () => performance.now(),
    origin = timeOf(Math.floor(performance.timeOrigin)),
  }: ClockOptions = {}) {
    this.steps = this.#steps;
    this.#wall = wall;
    this.#steady = steady;
    this.origin = origin;
    this.#last = origin;
    this.#lastSteady = steady();
  }

  /** Takes in that something began at that time of the wall clock, just now: all readings are later. */
  began(time: HrTime): void {
    if (!isBefore(this.#last, time)) return;
    this.#last = time;
    this.#lastSteady = this.#steady();
  }

  /** Now; never the same twice. */
  read(): HrTime {
    const wall = this.#wall();
    const steady = this.#steady();
    const last = milliseconds(this.#last);
    let time = timeOf(wall + this.#ahead);
    if (last === wall + this.#ahead) {
      time = isBefore(this.#last, time) ? time : [this.#last[0], this.#last[1] + 1];
    } else if (last > wall + this.#ahead) {
      const byMs = last + Math.max(1, Math.ceil(steady - this.#lastSteady)) - (wall + this.#ahead);
      this.#ahead += byMs;
      time = timeOf(wall + this.#ahead);
      this.#steps.push({ at: time, wall: timeOf(wall), byMs });
      this.#created = new WeakMap();
    }
    this.#last = time;
    this.#lastSteady = steady;
    return time;
  }

  /**
   * What the start and the time of a point are called on the wall clock: the start always before the time. A time that
   * would lie ahead of a clock that was set back meanwhile is called as if it had been set before; what lies behind it
   * keeps its name, so that a series of a week is no other series for a step of an hour.
   */
  told(start: HrTime, time: HrTime): { readonly start: HrTime; readonly time: HrTime } {
    if (this.#steps.length === 0) return { start, time };
    let from = this.#named(start);
    let to = this.#named(time);
    for (const { at, wall, byMs } of this.#steps) {
      if (isBefore(time, at)) {
        if (isBefore(to, wall)) continue;
        from = earlier(from, byMs);
        to = earlier(to, byMs);
      } else if (isBefore(start, at) && !isBefore(from, wall)) {
        from = earlier(from, byMs);
      }
    }
    return { start: from, time: to };
  }

  /** What the start of a series that goes on is called on the wall clock; the same array for the same array until a step. */
  created(start: HrTime): HrTime {
    if (this.#steps.length === 0) return start;
    let told = this.#created.get(start);
    if (told === undefined) {
      told = this.told(start, this.#last).start;
      this.#created.set(start, told);
    }
    return told;
  }

  /** By the wall clock as it was then. */
  #named(time: HrTime): HrTime {
    const before = this.#steps.reduce((sum, { at, byMs }) => (isBefore(time, at) ? sum : sum + byMs), 0);
    return earlier(time, before);
  }
}

function timeOf(ms: number): HrTime {
  return [Math.floor(ms / 1000), (ms % 1000) * 1_000_000];
}

/** Whole ones. */
function milliseconds([seconds, nanoseconds]: HrTime): number {
  return seconds * 1000 + Math.floor(nanoseconds / 1_000_000);
}

function isBefore(a: HrTime, b: HrTime): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}

function earlier([seconds, nanoseconds]: HrTime, ms: number): HrTime {
  const rest = nanoseconds - (ms % 1000) * 1_000_000;
  const whole = seconds - Math.floor(ms / 1000);
  return rest < 0 ? [whole - 1, rest + 1_000_000_000] : [whole, rest];
}
