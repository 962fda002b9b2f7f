import { emptyResource } from '@opentelemetry/resources';
import type { HistogramAggregation, TemporalityPreference } from '../../../src/config/exporter/configuration.ts';
import { type Request, RequestEncoder, type RequestLimits } from '../../../src/readers/otlp/encoding/requests.ts';
import { ReaderTotals } from '../../../src/readers/otlp/totals/reader.ts';
import { temporalitySelector } from '../../../src/readers/temporality.ts';
import { type FakeRows, FakeStore } from '../../helpers/fake-rows.ts';
import { decodeExport, type ReceivedMetric } from '../../helpers/otlp-server.ts';

export interface SentRequest {
  readonly size: number;
  readonly points: number;
  readonly metrics: readonly ReceivedMetric[];
  readonly counted: Readonly<Record<string, number>>;
}

const unlimited: RequestLimits = { bytes: Number.POSITIVE_INFINITY, points: Number.POSITIVE_INFINITY };

/** A reader without its transport: `send` takes a reading, and has those requests acknowledged that `take` says. */
export function encoding(
  rows: readonly FakeRows[],
  temporality: TemporalityPreference,
  aggregation: HistogramAggregation = 'explicit_bucket_histogram',
) {
  const dropped: string[] = [];
  const store = new FakeStore(...rows);
  const totals = new ReaderTotals(temporalitySelector(temporality), ({ name }) => dropped.push(name));
  const encoder = new RequestEncoder('1.2.3', aggregation, store.clock);
  const resource = emptyResource();
  const send = async (
    time: number,
    take: (request: Request, index: number) => boolean,
    limits: RequestLimits = unlimited,
  ): Promise<SentRequest[]> => {
    store.time = time;
    await totals.take(await store.read());
    const sent: SentRequest[] = [];
    for (const request of encoder.requests(resource, [], totals.readable, limits)) {
      const metrics = decodeExport(request.bytes).scopes.flatMap((scope) => scope.metrics);
      const counted = Object.fromEntries([...request.counted()].map(({ metric, amount }) => [metric, amount]));
      sent.push({ size: request.bytes.length, points: request.points, metrics, counted });
      if (take(request, sent.length - 1)) request.acknowledge();
    }
    return sent;
  };
  return { store, dropped, send };
}
