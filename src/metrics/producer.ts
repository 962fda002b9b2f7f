import { emptyResource } from '@opentelemetry/resources';
import type { CollectionResult, MetricData, MetricProducer } from '@opentelemetry/sdk-metrics';
import type { TablePlan } from '../config/plan.ts';
import { MeterError } from '../errors.ts';
import type { Reading, SeriesStore } from './rows.ts';
import { MapFedScope } from './scope.ts';
import { type SelectTemporality, TablePoints } from './table-points.ts';

/**
 * One reader's view of the store as data points of its temporality.
 *
 * The points are the same objects each time: a collection's result is valid until the next one of this producer,
 * so an exporter has to serialize before its `export` returns, as OTLP's does.
 * Delta is kept right across failures: what was collected counts as delivered only after `commit`.
 * Source: MetricProducer and Temporality in specification/metrics/{sdk,data-model}.md of OpenTelemetry.
 */
export class BpfMetricProducer implements MetricProducer {
  readonly #store: SeriesStore;
  readonly #select: SelectTemporality;
  readonly #scope: MapFedScope;
  readonly #tables = new Map<TablePlan, TablePoints>();
  /** Those whose points are in the last result. */
  #collected: TablePoints[] = [];
  #prepared: CollectionResult | undefined;

  /** `select` is the exporter's preference; `version` the scope's. */
  constructor(store: SeriesStore, select: SelectTemporality, version: string) {
    this.#store = store;
    this.#select = select;
    this.#scope = new MapFedScope(version);
  }

  /**
   * Reads the maps now, for the next `collect`. MetricReader.collect runs the SDK's own callbacks before it asks
   * producers, so a reader whose health metrics are to describe this collection calls this first.
   */
  async prepare(): Promise<void> {
    try {
      const reading = await this.#store.read();
      this.#prepared = this.#assemble(reading);
    } catch (error) {
      // A producer that rejects would take the reader's other metrics with it.
      this.#collected = [];
      this.#prepared = result([], [error]);
    }
  }

  /** Never rejects; what could not be read is among the result's errors. */
  async collect(): Promise<CollectionResult> {
    if (this.#prepared === undefined) await this.prepare();
    const prepared = this.#prepared!;
    this.#prepared = undefined;
    return prepared;
  }

  /** The last collection has been delivered: deltas start anew. */
  commit(): void {
    for (const table of this.#collected) table.commit();
    this.#collected = [];
  }

  #assemble(reading: Reading): CollectionResult {
    const metrics: MetricData[] = [];
    const errors: unknown[] = [...reading.errors];
    this.#collected = [];
    for (const rows of reading.tables) {
      if (!rows.readable) {
        if (reading.errors.length === 0) errors.push(unreadable(rows.program, rows.plan.name));
        continue;
      }
      let table = this.#tables.get(rows.plan);
      if (table === undefined) {
        table = new TablePoints(rows.plan, this.#select);
        this.#tables.set(rows.plan, table);
      }
      metrics.push(...table.update(rows, reading.time));
      this.#collected.push(table);
      if (table.overflowed) errors.push(overflow(rows.program, rows.plan.name));
    }
    return result(metrics.length === 0 ? [] : [{ scope: this.#scope, metrics }], errors);
  }
}

function result(
  scopeMetrics: CollectionResult['resourceMetrics']['scopeMetrics'],
  errors: unknown[],
): CollectionResult {
  return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors };
}

function overflow(program: string, table: string): MeterError {
  return new MeterError(
    'reader',
    `${program}: ${table}: more series vanish than are kept until they are delivered; the last increments of some are lost`,
  );
}

function unreadable(program: string, table: string): MeterError {
  return new MeterError('map', `${program}: ${table}: its map could not be read; its metrics are left out this time`);
}
