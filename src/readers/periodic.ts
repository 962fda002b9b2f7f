import { withoutQuery } from '../config/exporter/endpoint-url.ts';
import type { PeriodicReaderConfig } from '../config/exporter.ts';
import type { Transport } from './otlp/transport.ts';
import type { CreatedReader, ReaderContext, ReaderKind } from './reader.ts';

/** Exports by push, every so often: OTLP over gRPC or HTTP, or to the console. Each is imported where it is configured. */
export const periodicKind: ReaderKind<PeriodicReaderConfig> = {
  kind: 'periodic',
  async create(config: PeriodicReaderConfig, context: ReaderContext): Promise<CreatedReader> {
    const { exporter, intervalMs } = config;
    const { OtlpReader } = await import('./otlp/reader.ts');
    const describe = exporter.kind === 'console' ? 'console' : `OTLP to ${withoutQuery(exporter.endpoint)}`;
    const reader = new OtlpReader({ config, describe, context, transport: await createTransport(exporter) });
    return { reader, describe: `${describe} every ${intervalMs / 1000} s` };
  },
};

async function createTransport(config: PeriodicReaderConfig['exporter']): Promise<Transport> {
  switch (config.kind) {
    case 'otlp_grpc': {
      const { createGrpcTransport } = await import('./otlp/grpc.ts');
      return createGrpcTransport(config);
    }
    case 'otlp_http': {
      const { createHttpTransport } = await import('./otlp/http.ts');
      return createHttpTransport(config);
    }
    case 'console': {
      const { createConsoleTransport } = await import('./otlp/console.ts');
      return createConsoleTransport();
    }
  }
}
