import type { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { PrometheusReaderConfig } from '../../src/config/exporter/configuration.ts';
import type { TablePlan } from '../../src/config/plan.ts';
import { Clock } from '../../src/metrics/clock.ts';
import { Store } from '../../src/metrics/store.ts';
import { PrometheusReader } from '../../src/readers/prometheus/reader.ts';
import { type FakeMap, fakeReaders, NO_FACTS, programPlan } from './fake-maps.ts';
import { fakeContext, provide } from './reader-context.ts';

/** A reader of this machine's alone, as it is without a file. */
export const localReader: PrometheusReaderConfig = {
  kind: 'prometheus',
  host: '127.0.0.1',
  port: 0,
  translation: 'underscore_escaping_with_suffixes',
  scopeInfo: false,
  targetInfo: true,
};

/** A Prometheus reader that serves tables of fake maps. */
export interface Serving extends AsyncDisposable {
  readonly url: string;
  /** HOST:PORT */
  readonly address: string;
  readonly lines: readonly string[];
  readonly reader: PrometheusReader;
  readonly provider: MeterProvider;
}

/** The program began to count at second 1. */
export async function serve(
  plans: readonly TablePlan[],
  maps: readonly FakeMap[],
  config: Partial<PrometheusReaderConfig> = {},
  clock: Clock = new Clock(),
): Promise<Serving> {
  const readers = fakeReaders(maps);
  const program = { plan: programPlan('test', plans), readers, startTime: [1, 0] as [number, number] };
  const { context, lines, tallies } = fakeContext({ clock, read: () => store.read(), hold: () => store.hold() });
  const store: Store = new Store([program], NO_FACTS, tallies, undefined, [{}], clock);
  const reader = new PrometheusReader({ ...localReader, ...config }, { ...context, tables: store.tables });
  const url = await reader.listen();
  const provider = provide([reader], context.health);
  const address = new URL(url).host;
  return { url, address, lines, reader, provider, [Symbol.asyncDispose]: () => provider.shutdown() };
}
