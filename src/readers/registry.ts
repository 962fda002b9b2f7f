// Who asks for metrics and sends them: OpenTelemetry's MetricReaders, each kind of which is listed here. May be
// imported by `exporter` and `cli`.

import type { PrometheusReaderConfig, ReaderConfig } from '../config/exporter/configuration.ts';
import { periodicKind } from './periodic.ts';
import type { CreatedReader, ReaderContext, ReaderKind } from './reader.ts';

/** Imported only where it is configured. */
const prometheusKind: ReaderKind<PrometheusReaderConfig> = {
  kind: 'prometheus',
  async create(config, context) {
    const { createPrometheusReader } = await import('./prometheus/reader.ts');
    return createPrometheusReader(config, context);
  },
};

/** Every kind of reader, by the `kind` of its configuration. */
export const readerKinds = { prometheus: prometheusKind, periodic: periodicKind };

/** Makes one reader. Rejects with MeterError where the configuration can't be carried out. */
export function createReader(config: ReaderConfig, context: ReaderContext): Promise<CreatedReader> {
  switch (config.kind) {
    case 'prometheus':
      return readerKinds.prometheus.create(config, context);
    case 'periodic':
      return readerKinds.periodic.create(config, context);
  }
}
