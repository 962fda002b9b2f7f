import {
  type CollectionResult,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import type { OtlpGrpcConfig, OtlpHttpConfig, PeriodicReaderConfig } from '../config/exporter.ts';
import { MeterError } from '../errors.ts';
import type { Health } from '../metrics/health.ts';
import { BpfMetricProducer } from '../metrics/producer.ts';
import { sdkLimits } from './cardinality.ts';
import { createConsoleExporter } from './console.ts';
import { exportErrorText } from './export-error.ts';
import type { Transport } from './otlp/transport.ts';
import type { CreatedReader, ReaderContext, ReaderKind } from './reader.ts';
import { RecurringErrors } from './recurring-errors.ts';
import { temporalitySelector } from './temporality.ts';
import { WatchedExporter } from './watched-exporter.ts';

/** How long a shutdown may take unless its caller says: the process has 5 s to end in, and detaches programs after it. */
const SHUTDOWN_TIMEOUT_MS = 4000;

/** Exports by push, every so often: OTLP over gRPC or HTTP, or the console. Each is imported where it is configured. */
export const periodicKind: ReaderKind<PeriodicReaderConfig> = {
  kind: 'periodic',
  async create(config: PeriodicReaderConfig, context: ReaderContext): Promise<CreatedReader> {
    const every = `every ${config.intervalMs / 1000} s`;
    const { exporter } = config;
    if (exporter.kind === 'console') {
      const { exporter: console, describe } = await createConsoleExporter();
      const timeoutMs = Math.min(config.intervalMs, config.timeoutMs);
      const reader = createPeriodicReader({ config, context, exporter: console, describe, timeoutMs });
      return { reader, describe: `${describe} ${every}` };
    }
    const { OtlpReader } = await import('./otlp/reader.ts');
    const reader = new OtlpReader({
      config: { ...config, exporter },
      context,
      transport: await createTransport(exporter),
    });
    return { reader, describe: `${reader.describe} ${every}` };
  },
};

async function createTransport(config: OtlpGrpcConfig | OtlpHttpConfig): Promise<Transport> {
  if (config.kind === 'otlp_grpc') {
    const { createGrpcTransport } = await import('./otlp/grpc.ts');
    return createGrpcTransport(config);
  }
  const { createHttpTransport } = await import('./otlp/http.ts');
  return createHttpTransport(config);
}

interface CreatePeriodicReaderOptions {
  readonly config: PeriodicReaderConfig;
  readonly context: ReaderContext;
  readonly exporter: PushMetricExporter;
  /** Where the metrics go, for the log and for errors. */
  readonly describe: string;
  readonly timeoutMs: number;
}

/** The reader around any exporter. The exporter's own deadline should be timeoutMs at most. */
export function createPeriodicReader(options: CreatePeriodicReaderOptions): PeriodicReader {
  const { config, context, describe, timeoutMs } = options;
  const { kind, temporality } = config.exporter;
  const selectTemporality = temporalitySelector(temporality);
  const producer = new BpfMetricProducer(context.store, selectTemporality, context.version);
  const exporter = new WatchedExporter(options.exporter, {
    kind,
    describe,
    selectTemporality,
    health: context.health,
    log: context.log,
    onDelivered: () => producer.commit(),
  });
  const errors = new RecurringErrors(context.log, `${describe}: collection`);
  return new PeriodicReader({ kind, describe, exporter, producer, errors, health: context.health, timeoutMs, config });
}

interface PeriodicReaderOptions {
  readonly kind: string;
  readonly describe: string;
  readonly exporter: WatchedExporter;
  readonly producer: BpfMetricProducer;
  readonly errors: RecurringErrors;
  readonly health: Health;
  readonly timeoutMs: number;
  readonly config: PeriodicReaderConfig;
}

/**
 * The SDK's periodic reader, but that it reads the maps before it collects, never collects while an export is under way
 * (points are reused, and deltas not yet known to be delivered), and says whether its last flush worked.
 */
export class PeriodicReader extends PeriodicExportingMetricReader {
  readonly #options: PeriodicReaderOptions;

  constructor(options: PeriodicReaderOptions) {
    super({
      exporter: options.exporter,
      exportIntervalMillis: options.config.intervalMs,
      exportTimeoutMillis: options.timeoutMs,
      metricProducers: [options.producer],
      cardinalityLimits: sdkLimits(options.config.cardinalityLimits),
    });
    this.#options = options;
  }

  override async collect(options?: Parameters<PeriodicExportingMetricReader['collect']>[0]): Promise<CollectionResult> {
    const { exporter, producer, errors, health, kind } = this.#options;
    await exporter.idle();
    const start = performance.now();
    await producer.prepare();
    health.collected(kind, (performance.now() - start) / 1000);
    const collected = await super.collect(options);
    // The SDK tells nobody. Maps that can't be read are logged for all readers together, where they are read.
    errors.report(collected.errors.filter((error) => !(error instanceof MeterError && error.code === 'map')));
    return collected;
  }

  /** Exports what is there once more. Rejects with MeterError('reader') where that was not delivered in time. */
  override async shutdown(options?: Parameters<PeriodicExportingMetricReader['shutdown']>[0]): Promise<void> {
    const { exporter, describe } = this.#options;
    const timeoutMillis = options?.timeoutMillis ?? SHUTDOWN_TIMEOUT_MS;
    try {
      await super.shutdown({ ...options, timeoutMillis });
    } catch (cause) {
      throw new MeterError('reader', `${describe}: the last export was not done after ${timeoutMillis / 1000} s`, {
        cause,
      });
    }
    const { outage } = exporter;
    if (outage === undefined) return;
    throw new MeterError('reader', `${describe}: the last export failed: ${exportErrorText(outage)}`, {
      cause: outage,
    });
  }
}
