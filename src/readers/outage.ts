import type { Health } from '../metrics/own/health.ts';
import { exportErrorText, exportRemedy } from './export-error.ts';
import type { ReaderLog } from './reader.ts';

interface OutageOptions {
  /** For the attribute `exporter`: otlp_grpc, console. */
  readonly kind: string;
  /** For the log: `OTLP to http://collector:4317`. */
  readonly describe: string;
  readonly health: Health;
  readonly log: ReaderLog;
}

/** Counts an exporter's failures, and logs an outage when it begins and when it is over. */
export class Outage {
  readonly #options: OutageOptions;
  #failures = 0;
  /** What was logged of this outage, by error.type. */
  readonly #told = new Set<string>();
  #lastError: Error | undefined;
  #isPauseTold = false;

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  /** Why the last export failed; undefined where it didn't, or where there was none. */
  get error(): Error | undefined {
    return this.#lastError;
  }

  succeeded(): void {
    const { log, describe } = this.#options;
    const failures = this.#failures;
    this.#failures = 0;
    this.#told.clear();
    this.#isPauseTold = false;
    this.#lastError = undefined;
    if (failures > 0) {
      log.info(`${describe}: delivering again after ${failures} failed ${failures === 1 ? 'export' : 'exports'}`);
    }
  }

  /**
   * `errorType` as the attribute error.type has it. `mayPass`: it may get well by itself; what doesn't is logged too when
   * an outage turns into it, such as a receiver that comes back and refuses the credentials.
   */
  failed(error: Error, errorType: string, mayPass = true): void {
    const { log, describe, kind, health } = this.#options;
    health.tallies.exportError(kind, errorType);
    this.#lastError = error;
    if (++this.#failures > 1 && (mayPass || this.#told.has(errorType))) return;
    this.#told.add(errorType);
    const remedy = exportRemedy(errorType);
    log.warn(`${describe}: export failed: ${exportErrorText(error)}${remedy === undefined ? '' : `; ${remedy}`}`);
  }

  /** The receiver isn't asked for so many milliseconds, since it wants that; `isCut`: it wants even more. */
  waits(pauseMs: number, isCut: boolean): void {
    if (this.#isPauseTold) return;
    this.#isPauseTold = true;
    const { log, describe } = this.#options;
    const seconds = Math.round(pauseMs) / 1000;
    const wish = isCut ? `more than ${seconds} s, which is the most it gets` : `${seconds} s`;
    log.warn(
      `${describe}: nothing is sent for ${seconds} s: the receiver asks for ${wish}; each interval counts as a failed export`,
    );
  }
}
