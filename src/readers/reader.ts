import type { Attributes } from '@opentelemetry/api';
import type { MetricReader } from '@opentelemetry/sdk-metrics';
import type { ReaderConfig } from '../config/exporter/configuration.ts';
import type { Health } from '../metrics/own/health.ts';
import type { SeriesStore } from '../metrics/rows.ts';
import type { Table } from '../metrics/table.ts';

/** What every reader is made with. */
export interface ReaderContext {
  readonly store: SeriesStore;
  /** The tables that the store's readings fill, with what the Prometheus page needs beside Rows. */
  readonly tables: readonly Table[];
  /** The resource's attributes. */
  readonly resource: Attributes;
  /** Of this project; the instrumentation scope's version. */
  readonly version: string;
  readonly log: ReaderLog;
  readonly health: Health;
}

/** One line per call, without a line end. */
export interface ReaderLog {
  info(message: string): void;
  warn(message: string): void;
  debug(message: string): void;
}

/** One way of giving metrics away, listed in the registry. */
export interface ReaderKind<Config extends ReaderConfig = ReaderConfig> {
  readonly kind: Config['kind'];
  /** Rejects with MeterError where the configuration can't be carried out: an unreadable certificate, a used port. */
  create(config: Config, context: ReaderContext): Promise<CreatedReader>;
}

export interface CreatedReader {
  readonly reader: MetricReader;
  /** Where the metrics are, for the log: `http://localhost:9435/metrics`, `OTLP to http://collector:4317 every 60 s`. */
  readonly describe: string;
}
