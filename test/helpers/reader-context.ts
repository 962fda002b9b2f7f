import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, type MetricReader } from '@opentelemetry/sdk-metrics';
import { ObservedStore } from '../../src/metrics/observed-store.ts';
import { Health, type HealthSources } from '../../src/metrics/own/health.ts';
import type { SeriesStore } from '../../src/metrics/rows.ts';
import { Tallies } from '../../src/metrics/tallies.ts';
import type { ReaderContext } from '../../src/readers/reader.ts';

/** A context without tables of the real store, and the lines that readers logged. */
export function fakeContext(store: SeriesStore): { context: ReaderContext; lines: string[]; tallies: Tallies } {
  const lines: string[] = [];
  const tallies = new Tallies();
  const health = new Health(tallies);
  const log = {
    info: (message: string) => void lines.push(`info: ${message}`),
    warn: (message: string) => void lines.push(`warn: ${message}`),
    debug: () => {},
  };
  const observed = new ObservedStore(store, ({ durationMs }) => health.mapsRead(durationMs / 1000));
  const context = { store: observed, tables: [], resource: {}, version: '1.2.3', log, health };
  return { context, lines, tallies };
}

/** Health sources that tell nothing but what is overridden. */
export function fakeSources(overrides: Partial<HealthSources> = {}): HealthSources {
  return {
    reading: () => undefined,
    maps: () => [],
    programs: () => [],
    hooks: () => [],
    losses: () => [],
    unwatched: () => [],
    statistics: () => [],
    bpfStats: false,
    ...overrides,
  };
}

/** Binds the readers to a MeterProvider, with the health metrics on it. */
export function provide(readers: MetricReader[], health: Health, sources = fakeSources()): MeterProvider {
  const resource = resourceFromAttributes({ 'service.name': 'test', 'host.name': 'here' });
  const provider = new MeterProvider({ resource, readers });
  health.bind(provider.getMeter('ebpf-meter', '1.2.3'), sources);
  return provider;
}
