// The reader that pushes OTLP, over gRPC, HTTP or to the console: totals, their encoding, and the transports. May be
// imported by the files of readers beside this folder.

import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import {
  AggregationTemporality,
  AggregationType,
  InstrumentType,
  MetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import type { HistogramAggregation, PeriodicReaderConfig } from '../../config/exporter/configuration.ts';
import { MeterError } from '../../errors.ts';
import { cardinalitySelector } from '../cardinality.ts';
import { exportErrorText, exportErrorType } from '../export-error.ts';
import { Outage } from '../outage.ts';
import type { ReaderContext } from '../reader.ts';
import { RecurringErrors } from '../recurring-errors.ts';
import { temporalitySelector } from '../temporality.ts';
import { RequestSize } from './encoding/request-size.ts';
import { type Request, RequestEncoder } from './encoding/requests.ts';
import { OwnTotals } from './totals/own.ts';
import { ReaderTotals } from './totals/reader.ts';
import { BackOff } from './transports/back-off.ts';
import { Rejections } from './transports/rejections.ts';
import type { Failed, Transport } from './transports/transport.ts';

/** How long a shutdown may take unless its caller says: the process has 5 s to end in, and detaches programs after it. */
const SHUTDOWN_TIMEOUT_MS = 4000;
/** At the end a receiver that is just being started again gets this long to come. */
const LAST_CHANCE_MS = 1000;
/** Between two looks whether a receiver is there again. */
const PROBE_PAUSE_MS = 400;
const PROBE_TIMEOUT_MS = 10_000;

interface OtlpReaderOptions {
  readonly config: PeriodicReaderConfig;
  /** Where the metrics go, for the log and for errors. */
  readonly describe: string;
  readonly context: ReaderContext;
  readonly transport: Transport;
}

/**
 * Pushes totals or deltas over OTLP, every so often.
 *
 * What was read is kept as totals beside what the receiver has acknowledged of them, request by request. So nothing is
 * ever sent again as it was: what one export could not deliver is in the totals of the next. When a receiver that was
 * gone is there again, the next export is at once.
 */
export class OtlpReader extends MetricReader {
  readonly #describe: string;
  readonly #config: PeriodicReaderConfig;
  readonly #context: ReaderContext;
  readonly #transport: Transport;
  readonly #totals: ReaderTotals;
  readonly #own: OwnTotals;
  readonly #encoder: RequestEncoder;
  readonly #outage: Outage;
  readonly #rejections: Rejections;
  readonly #ownErrors: RecurringErrors;
  readonly #readErrors: RecurringErrors;
  readonly #closing = new AbortController();
  readonly #size = new RequestSize();
  #timer: NodeJS.Timeout | undefined;
  #waiting = 0;
  #last: Promise<Failed | undefined> = Promise.resolve(undefined);
  #recovering = false;
  readonly #backOff = new BackOff();
  /** Set as long as nobody answers. */
  #absent: Failed | undefined;
  /** Why the receiver isn't asked before `until`, by performance.now(). */
  #pause: { readonly failed: Failed; readonly until: number } | undefined;

  constructor({ config, describe, context, transport }: OtlpReaderOptions) {
    const { exporter } = config;
    const { kind, temporality } = exporter;
    const histogramAggregation: HistogramAggregation =
      exporter.kind === 'console' ? 'explicit_bucket_histogram' : exporter.histogramAggregation;
    super({
      cardinalitySelector: cardinalitySelector(config.cardinalityLimits),
      // Deltas are made here, when it is known what was delivered.
      aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE,
      aggregationSelector: (instrument) => ({
        type:
          histogramAggregation === 'base2_exponential_bucket_histogram' && instrument === InstrumentType.HISTOGRAM
            ? AggregationType.EXPONENTIAL_HISTOGRAM
            : AggregationType.DEFAULT,
      }),
    });
    this.#describe = describe;
    this.#config = config;
    this.#context = context;
    this.#transport = transport;
    const { log, health, store } = context;
    const select = temporalitySelector(temporality);
    this.#totals = new ReaderTotals(select, ({ name }) => health.tallies.deliveries.dropped(kind, name));
    this.#own = new OwnTotals(select, store.clock);
    this.#encoder = new RequestEncoder(context.version, histogramAggregation, store.clock);
    this.#outage = new Outage({ kind, describe, health, log });
    this.#rejections = new Rejections(describe, kind, context);
    this.#ownErrors = new RecurringErrors(log, `${describe}: collection`);
    this.#readErrors = new RecurringErrors(log, `${describe}: collection`);
  }

  /**
   * Exports what is there once more and closes the connection. Rejects with MeterError('reader') where that was not
   * delivered in time.
   */
  override async shutdown(options?: Parameters<MetricReader['shutdown']>[0]): Promise<void> {
    const timeoutMillis = options?.timeoutMillis ?? SHUTDOWN_TIMEOUT_MS;
    await this.#inTime(super.shutdown({ ...options, timeoutMillis }), timeoutMillis);
  }

  /** Exports what is there now. Rejects with MeterError('reader') where that was not delivered, or not in time. */
  override async forceFlush(options?: Parameters<MetricReader['forceFlush']>[0]): Promise<void> {
    await this.#inTime(super.forceFlush(options), options?.timeoutMillis);
  }

  protected override onInitialized(): void {
    this.#timer = setInterval(() => this.#tick(), this.#config.intervalMs);
    this.#timer.unref();
  }

  protected override async onForceFlush(): Promise<void> {
    const failed = await this.#queue(() => this.#export());
    if (failed !== undefined) throw this.#failure('the export failed', failed.error);
  }

  protected override async onShutdown(): Promise<void> {
    const isBound = this.#timer !== undefined;
    clearInterval(this.#timer);
    this.#closing.abort();
    try {
      if (!isBound) return;
      let failed = await this.#queue(() => this.#export());
      if (failed?.retryable && !failed.answered && (await this.#transport.probe(LAST_CHANCE_MS)).accepted) {
        failed = await this.#queue(() => this.#export());
      }
      if (failed !== undefined) throw this.#failure('the last export failed', failed.error);
    } finally {
      this.#transport.close();
    }
  }

  async #inTime(work: Promise<void>, timeoutMs: number | undefined): Promise<void> {
    try {
      await work;
    } catch (cause) {
      if (cause instanceof MeterError) throw cause;
      const text = `${this.#describe}: the last export was not done after ${(timeoutMs ?? 0) / 1000} s`;
      throw new MeterError('reader', text, { cause });
    } finally {
      if (this.#closing.signal.aborted) this.#transport.close();
    }
  }

  #failure(what: string, cause: Error): MeterError {
    return new MeterError('reader', `${this.#describe}: ${what}: ${exportErrorText(cause)}`, { cause });
  }

  /** An interval is over. It is left out where the one before is still at it. */
  #tick(): void {
    if (this.#waiting > 0) return;
    void this.#queue(async () => {
      const failed = this.#absent ?? (this.#pauseLeft() > 0 ? this.#pause?.failed : undefined);
      if (failed === undefined) return this.#export();
      await this.#follow(failed);
      return undefined;
    });
  }

  /**
   * Exports never overlap, since each is about what the one before has delivered. Never rejects, since nobody may wait for
   * it: what breaks in the exporter itself is a failed export, and the next interval tries again.
   */
  #queue(work: () => Promise<Failed | undefined>): Promise<Failed | undefined> {
    this.#waiting++;
    this.#last = this.#last
      .then(work)
      .catch((error: unknown) => this.#broken(error))
      .finally(() => this.#waiting--);
    return this.#last;
  }

  #broken(cause: unknown): Failed {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    const failed = { ...lateFailure(), error, errorType: exportErrorType(error), retryable: false };
    this.#outage.failed(error, failed.errorType);
    return failed;
  }

  /** While nobody answers, or wants to be asked, series that come and go are followed, and nothing is encoded. */
  async #follow(failed: Failed): Promise<void> {
    await this.#read();
    this.#outage.failed(failed.error, failed.errorType, failed.retryable);
  }

  /** Returns what failed first, or undefined where everything was delivered. */
  async #export(): Promise<Failed | undefined> {
    const { exporter } = this.#config;
    const { health } = this.#context;
    await this.#read();
    const { resourceMetrics, errors } = await this.collect();
    this.#ownErrors.report(errors);
    // The reading has kept everybody waiting already.
    await setImmediate();
    const start = performance.now();
    const failed = await this.#deliver(resourceMetrics, start + this.#config.timeoutMs);
    if (failed === 'again') return this.#export();
    health.exported(exporter.kind, (performance.now() - start) / 1000);
    this.#absent = failed?.answered === false && failed.retryable ? failed : undefined;
    if (failed === undefined) {
      this.#backOff.reset();
      this.#pause = undefined;
      this.#outage.succeeded();
      this.#rejections.finish();
      return undefined;
    }
    this.#outage.failed(failed.error, failed.errorType, failed.retryable);
    if (failed.retryable) {
      this.#putOff(failed);
      void this.#recover(failed);
    }
    return failed;
  }

  /** Puts off what comes next, where the receiver has answered. */
  #putOff(failed: Failed): void {
    if (!failed.answered) return;
    const { retryAfterMs = 0 } = failed;
    const pauseMs = this.#backOff.next(retryAfterMs);
    this.#pause = { failed, until: performance.now() + pauseMs };
    if (pauseMs <= retryAfterMs) this.#outage.waits(pauseMs, retryAfterMs > pauseMs);
  }

  /** Milliseconds. */
  #pauseLeft(): number {
    return this.#pause === undefined ? 0 : Math.max(0, this.#pause.until - performance.now());
  }

  /** Maps that can't be read are logged where they are read, for all readers together. */
  async #read(): Promise<void> {
    const { store, health } = this.#context;
    const start = performance.now();
    try {
      const reading = await store.read();
      using _ = store.hold();
      await this.#totals.take(reading);
      this.#readErrors.report([]);
    } catch (error) {
      await this.#totals.take(undefined);
      this.#readErrors.report([error]);
    }
    health.collected(this.#config.exporter.kind, (performance.now() - start) / 1000);
  }

  /**
   * Sends one request after the other; one that fails leaves the others to go. `again`: a request was refused for being
   * larger than usual, and the next ones are as usual.
   */
  async #deliver(own: ResourceMetrics, deadline: number): Promise<Failed | 'again' | undefined> {
    const { maxExportBatchSize, exporter } = this.#config;
    const limits = { bytes: this.#size.limit, points: maxExportBatchSize ?? Number.POSITIVE_INFINITY };
    const parts = this.#own.parts(own, limits.points);
    let first: Failed | undefined;
    let largest = 0;
    for (const request of this.#encoder.requests(own.resource, parts, this.#totals.readable, limits)) {
      const left = deadline - performance.now();
      if (left <= 0) return first ?? lateFailure();
      const timeoutMs = exporter.kind === 'console' ? left : Math.min(left, exporter.timeoutMs);
      const answer = await this.#transport.send(request.bytes, timeoutMs);
      if (answer.accepted) {
        request.acknowledge();
        largest = Math.max(largest, request.bytes.length);
        if (answer.rejected !== undefined) this.#rejections.add(answer.rejected);
        continue;
      }
      const size = answer.tooLarge ? this.#size.refused(request.bytes.length) : 'never';
      if (size === 'again' && first === undefined) return 'again';
      const failed = size === 'never' ? answer : { ...answer, retryable: true };
      if (failed.unclear) this.#countUnclear(request);
      first ??= failed;
      // The others would only wait for their deadlines too, or were asked not to come.
      if (!failed.answered || failed.retryAfterMs !== undefined) return first;
    }
    if (first === undefined) this.#size.delivered(largest);
    return first;
  }

  #countUnclear(request: Request): void {
    const { health } = this.#context;
    for (const { metric, amount } of request.counted()) {
      health.tallies.deliveries.unclear(this.#config.exporter.kind, metric, amount);
    }
  }

  /** Exports as soon as the receiver takes it again, however long the interval is. */
  async #recover(first: Failed): Promise<void> {
    if (this.#recovering) return;
    this.#recovering = true;
    const { signal } = this.#closing;
    const pause = (ms: number) => sleep(ms, undefined, { signal, ref: false });
    try {
      for (let failed: Failed | undefined = first; failed?.retryable; ) {
        if (!failed.answered) await pause(PROBE_PAUSE_MS);
        // An export that somebody asks for meanwhile may make it longer, and a timer may be early.
        for (let left = this.#pauseLeft(); left > 0; left = this.#pauseLeft()) await pause(Math.ceil(left));
        if (this.#outage.error === undefined) return;
        const answer = await this.#transport.probe(PROBE_TIMEOUT_MS);
        if (signal.aborted) return;
        if (answer.accepted || answer.answered) this.#absent = undefined;
        if (!answer.accepted && answer.retryable) this.#putOff(answer);
        // Who is there, but takes no request without data, may take one with data.
        failed = answer.accepted || !answer.retryable ? await this.#queue(() => this.#export()) : answer;
      }
    } catch (error) {
      if (!signal.aborted) this.#broken(error);
    } finally {
      this.#recovering = false;
    }
  }
}

/** The rest was not sent since the export's time was over. */
function lateFailure(): Failed {
  return {
    accepted: false,
    error: new Error('not all requests were sent in time'),
    errorType: 'timeout',
    retryable: true,
    answered: true,
    unclear: false,
    tooLarge: false,
    retryAfterMs: undefined,
  };
}
