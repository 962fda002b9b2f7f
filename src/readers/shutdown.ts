import type { MetricReader } from '@opentelemetry/sdk-metrics';

/**
 * Shuts all readers down at once, each with the same deadline in ms, and waits for every one: MeterProvider.shutdown
 * rejects with the first failure and leaves the others on their way. Returns what failed; never rejects.
 */
export async function shutdownReaders(readers: readonly MetricReader[], timeoutMillis: number): Promise<unknown[]> {
  const results = await Promise.allSettled(readers.map((reader) => reader.shutdown({ timeoutMillis })));
  return results.filter((result) => result.status === 'rejected').map((result) => result.reason);
}
