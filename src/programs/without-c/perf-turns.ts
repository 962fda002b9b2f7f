import { MeterError } from '../../errors.ts';

/** Nanoseconds in which a group that shares the PMU fairly has had its turn. */
const patience = 5_000_000_000n;

/** Whether a group ever has its turn on the PMU: one that others keep from it forever counts nothing, which isn't 0. */
export class Turns {
  #waited = 0n;
  #hasRun = false;

  /** Nanoseconds in which the group was enabled and in which it ran, somewhere, since the beginning. */
  note(enabled: bigint, running: bigint): void {
    if (running > 0n) this.#hasRun = true;
    if (enabled > this.#waited) this.#waited = enabled;
  }

  /** Throws MeterError('map') where it has waited for longer than turns take. */
  check(map: string): void {
    if (this.#hasRun || this.#waited <= patience) return;
    throw new MeterError('map', `map ${map}: its perf events never had their turn on the PMU, though they fit`, {
      remedy:
        'Others hold its counters: the NMI watchdog (kernel.nmi_watchdog=0 frees one), a running perf, a hypervisor',
    });
  }
}
