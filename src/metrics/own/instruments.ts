import { createNoopMeter, type Meter } from '@opentelemetry/api';
import type { ExporterConfig, InstrumentTypeName } from '../../config/exporter/configuration.ts';
import type { Instrument } from '../../config/instrument-types.ts';
import { Tallies } from '../tallies.ts';
import { observeCompatible } from './compatible.ts';
import { Health } from './health.ts';
import { observeProcess } from './process.ts';

const types: Readonly<Record<string, InstrumentTypeName>> = {
  createCounter: 'counter',
  createGauge: 'gauge',
  createHistogram: 'histogram',
  createUpDownCounter: 'up_down_counter',
  createObservableCounter: 'observable_counter',
  createObservableGauge: 'observable_gauge',
  createObservableUpDownCounter: 'observable_up_down_counter',
};

const nothing = () => [];
const sources = {
  reading: () => undefined,
  maps: nothing,
  losses: nothing,
  unwatched: nothing,
  programs: nothing,
  hooks: nothing,
  statistics: nothing,
  configs: nothing,
  isRunTimeMeasured: () => true,
};

/** All instruments of the exporter itself with this configuration, by registering them where nothing is measured. */
export function ownInstruments({
  bpfStats,
  compatibleMetrics = false,
  namespace,
}: Pick<ExporterConfig, 'bpfStats' | 'compatibleMetrics' | 'namespace'>): readonly Instrument[] {
  const found: Instrument[] = [];
  const meter = recording((instrument) => found.push(instrument));
  const tallies = new Tallies();
  new Health(tallies).bind(meter, { ...sources, bpfStats });
  observeProcess(meter);
  if (compatibleMetrics) observeCompatible(meter, namespace, sources, tallies);
  return found;
}

/** A meter that measures nothing and tells of what is created. */
function recording(created: (instrument: Instrument) => void): Meter {
  return new Proxy(createNoopMeter(), {
    get(meter, key, receiver) {
      const method: unknown = Reflect.get(meter, key, receiver);
      const type = typeof key === 'string' && Object.hasOwn(types, key) ? types[key] : undefined;
      if (type === undefined || typeof method !== 'function') return method;
      return (name: string, options?: { readonly unit?: string }) => {
        created({ name, type, unit: options?.unit ?? '' });
        return Reflect.apply(method, meter, [name, options]);
      };
    },
  });
}
