import { DeliveryTallies } from './deliveries.ts';
import { type Tallied, Tally } from './tally.ts';

/** Why a request to the Prometheus reader was not answered with what it asked for. */
export type ScrapeRejection =
  | 'overload'
  | 'timeout'
  | 'unauthorized'
  | 'rate_limit'
  | 'connections'
  | 'slow'
  | 'failed';

/**
 * What went wrong while maps were read, keys decoded and metrics exported, counted since the process started.
 * Whoever meets the failure adds to it; the health metrics show it. Its size follows the configuration, not the data.
 */
export class Tallies {
  /** Of what was pushed. */
  readonly deliveries = new DeliveryTallies();
  readonly #decodeErrors = new Tally<'program' | 'table' | 'label'>();
  readonly #undecoded = new Tally<'program'>();
  readonly #readErrors = new Tally<'program' | 'map'>();
  readonly #expired = new Tally<'program' | 'map'>();
  readonly #overflows = new Tally<'program' | 'table'>();
  readonly #exportErrors = new Tally<'exporter' | 'errorType'>();
  readonly #backgroundErrors = new Tally<'task'>();
  readonly #scrapeRejections = new Map<ScrapeRejection, number>();

  /** One key (or bucket) could not be decoded. `label` is the label's name as the plan has it. */
  decodeError(program: string, table: string, label: string): void {
    this.#decodeErrors.add({ program, table, label });
  }

  /** Metrics of a program that one reading has without some of their keys, since a label of these can't be decoded. */
  undecoded(program: string, metrics: number): void {
    this.#undecoded.add({ program }, metrics);
  }

  /** One reading of a map failed. */
  readError(program: string, map: string): void {
    this.#readErrors.add({ program, map });
  }

  /** Keys of a map were removed since what they stood for is gone; 0 makes it known that some may be. */
  keysExpired(program: string, map: string, keys: number): void {
    this.#expired.add({ program, map }, keys);
  }

  /** Keys came beyond the cardinality limit. */
  overflowed(program: string, table: string, keys: number): void {
    this.#overflows.add({ program, table }, keys);
  }

  /** One export failed; `errorType` as the attribute error.type has it: UNAVAILABLE, DEADLINE_EXCEEDED, … */
  exportError(exporter: string, errorType: string): void {
    this.#exportErrors.add({ exporter, errorType });
  }

  /** A task between the readings failed once. */
  backgroundError(task: string): void {
    this.#backgroundErrors.add({ task });
  }

  /** One request was turned away, or answered with an error. */
  scrapeRejected(reason: ScrapeRejection): void {
    this.#scrapeRejections.set(reason, (this.#scrapeRejections.get(reason) ?? 0) + 1);
  }

  decodeErrors(): Iterable<Readonly<Tallied<'program' | 'table' | 'label'>>> {
    return this.#decodeErrors;
  }

  /** By program, how often a reading had a metric without some of its keys. */
  undecodedMetrics(): Iterable<Readonly<Tallied<'program'>>> {
    return this.#undecoded;
  }

  readErrors(): Iterable<Readonly<Tallied<'program' | 'map'>>> {
    return this.#readErrors;
  }

  expired(): Iterable<Readonly<Tallied<'program' | 'map'>>> {
    return this.#expired;
  }

  overflows(): Iterable<Readonly<Tallied<'program' | 'table'>>> {
    return this.#overflows;
  }

  exportErrors(): Iterable<Readonly<Tallied<'exporter' | 'errorType'>>> {
    return this.#exportErrors;
  }

  backgroundErrors(): Iterable<Readonly<Tallied<'task'>>> {
    return this.#backgroundErrors;
  }

  /** By reason. */
  scrapeRejections(): Iterable<readonly [ScrapeRejection, number]> {
    return this.#scrapeRejections;
  }
}
