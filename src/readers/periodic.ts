import type { PeriodicReaderConfig } from '../config/exporter/configuration.ts';
import { withoutQuery } from '../config/exporter/endpoint-url.ts';
import type { HttpProxy } from './otlp/transports/proxy.ts';
import type { Transport } from './otlp/transports/transport.ts';
import type { CreatedReader, ReaderContext, ReaderKind, ReaderLog } from './reader.ts';

/** Exports by push, every so often: OTLP over gRPC or HTTP, or to the console. Each is imported where it is configured. */
export const periodicKind: ReaderKind<PeriodicReaderConfig> = {
  kind: 'periodic',
  async create(config: PeriodicReaderConfig, context: ReaderContext): Promise<CreatedReader> {
    const { exporter, intervalMs } = config;
    const { OtlpReader } = await import('./otlp/reader.ts');
    const { proxyFor } = await import('./otlp/transports/proxy.ts');
    const proxy = exporter.kind === 'console' ? undefined : proxyFor(new URL(exporter.endpoint), process.env);
    const way = proxy === undefined ? '' : ` through the proxy ${proxy.name}`;
    const describe = exporter.kind === 'console' ? 'console' : `OTLP to ${withoutQuery(exporter.endpoint)}${way}`;
    const transport = await createTransport(exporter, proxy, context.log);
    const reader = new OtlpReader({ config, describe, context, transport });
    return { reader, describe: `${describe} every ${intervalMs / 1000} s` };
  },
};

async function createTransport(
  config: PeriodicReaderConfig['exporter'],
  proxy: HttpProxy | undefined,
  log: ReaderLog,
): Promise<Transport> {
  switch (config.kind) {
    case 'otlp_grpc': {
      const { createGrpcTransport } = await import('./otlp/transports/grpc.ts');
      return createGrpcTransport(config, { proxy, debug: (message) => log.debug(message) });
    }
    case 'otlp_http': {
      const { createHttpTransport } = await import('./otlp/transports/http.ts');
      return createHttpTransport(config, { proxy });
    }
    case 'console': {
      const { createConsoleTransport } = await import('./otlp/transports/console.ts');
      return createConsoleTransport();
    }
  }
}
