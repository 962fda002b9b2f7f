import { DeliveryTallies } from './deliveries.ts';

/** How often decoding a label failed, by where. */
export interface DecodeErrorTally {
  readonly program: string;
  readonly table: string;
  readonly label: string;
  count: number;
}

/** How often reading a map failed, by which. */
export interface ReadErrorTally {
  readonly program: string;
  readonly map: string;
  count: number;
}

/** How many keys of a map were removed since what they stood for is gone, by map. */
export interface ExpiredTally {
  readonly program: string;
  readonly map: string;
  count: number;
}

/** How many keys were summed into the series beyond the cardinality limit, by table. */
export interface OverflowTally {
  readonly program: string;
  readonly table: string;
  count: number;
}

/** How often a reader could not deliver, by exporter and reason. */
export interface ExportErrorTally {
  readonly exporter: string;
  /** As the attribute error.type has it: UNAVAILABLE, DEADLINE_EXCEEDED, … */
  readonly errorType: string;
  count: number;
}

/** Why a request to the Prometheus reader was not answered with what it asked for. */
export type ScrapeRejection = 'overload' | 'timeout' | 'unauthorized' | 'rate_limit' | 'connections';

/**
 * What went wrong while maps were read, keys decoded and metrics exported, counted since the process started.
 * Whoever meets the failure adds to it; the health metrics show it. Its size follows the configuration, not the data.
 */
export class Tallies {
  /** Of what was pushed. */
  readonly deliveries = new DeliveryTallies();
  readonly #decodeErrors = new Map<string, DecodeErrorTally>();
  readonly #readErrors = new Map<string, ReadErrorTally>();
  readonly #expired = new Map<string, ExpiredTally>();
  readonly #overflows = new Map<string, OverflowTally>();
  readonly #exportErrors = new Map<string, ExportErrorTally>();
  readonly #scrapeRejections = new Map<ScrapeRejection, number>();

  /** One key (or bucket) could not be decoded. `label` is the label's name as the plan has it. */
  decodeError(program: string, table: string, label: string): void {
    const key = `${program}\0${table}\0${label}`;
    const tally = this.#decodeErrors.get(key);
    if (tally === undefined) this.#decodeErrors.set(key, { program, table, label, count: 1 });
    else tally.count++;
  }

  /** One reading of a map failed. */
  readError(program: string, map: string): void {
    const key = `${program}\0${map}`;
    const tally = this.#readErrors.get(key);
    if (tally === undefined) this.#readErrors.set(key, { program, map, count: 1 });
    else tally.count++;
  }

  /** Keys of a map were removed; 0 makes it known that some may be. */
  keysExpired(program: string, map: string, keys: number): void {
    const key = `${program}\0${map}`;
    const tally = this.#expired.get(key);
    if (tally === undefined) this.#expired.set(key, { program, map, count: keys });
    else tally.count += keys;
  }

  /** Keys came beyond the cardinality limit. */
  overflowed(program: string, table: string, keys: number): void {
    const key = `${program}\0${table}`;
    const tally = this.#overflows.get(key);
    if (tally === undefined) this.#overflows.set(key, { program, table, count: keys });
    else tally.count += keys;
  }

  overflows(): Iterable<Readonly<OverflowTally>> {
    return this.#overflows.values();
  }

  /** One export failed. */
  exportError(exporter: string, errorType: string): void {
    const key = `${exporter}\0${errorType}`;
    const tally = this.#exportErrors.get(key);
    if (tally === undefined) this.#exportErrors.set(key, { exporter, errorType, count: 1 });
    else tally.count++;
  }

  /** One request was turned away. */
  scrapeRejected(reason: ScrapeRejection): void {
    this.#scrapeRejections.set(reason, (this.#scrapeRejections.get(reason) ?? 0) + 1);
  }

  /** By reason. */
  scrapeRejections(): Iterable<readonly [ScrapeRejection, number]> {
    return this.#scrapeRejections;
  }

  decodeErrors(): Iterable<Readonly<DecodeErrorTally>> {
    return this.#decodeErrors.values();
  }

  readErrors(): Iterable<Readonly<ReadErrorTally>> {
    return this.#readErrors.values();
  }

  expired(): Iterable<Readonly<ExpiredTally>> {
    return this.#expired.values();
  }

  exportErrors(): Iterable<Readonly<ExportErrorTally>> {
    return this.#exportErrors.values();
  }
}
