import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { HistogramAggregation } from '../../../config/exporter/configuration.ts';
import { scopeName } from '../../../config/names/scope.ts';
import type { Clock } from '../../../metrics/clock.ts';
import { MessageBuffer } from '../../wire/message-buffer.ts';
import { implicitStringField, messageField } from '../../wire/protobuf.ts';
import type { Leftover, MetricTotals } from '../totals/metric.ts';
import type { OwnPart } from '../totals/own.ts';
import type { TableTotals } from '../totals/table.ts';
import { PointWriter, pointForm } from './points.ts';

/** Tags: resource_metrics of a request, scope_metrics of ResourceMetrics, metrics of ScopeMetrics. */
const RESOURCE_METRICS = 0x0a;
const SCOPE_METRICS = 0x12;
const METRIC = 0x12;
/** Tag, length and settings of what is still open when a request is full. */
const MARGIN = 32;

export interface RequestLimits {
  /** Of a request as protobuf, uncompressed. */
  readonly bytes: number;
  readonly points: number;
}

/** One ExportMetricsServiceRequest. It is valid until the next one is made, and so are its totals. */
export interface Request {
  readonly bytes: Uint8Array;
  readonly points: number;
  /** The receiver has it. */
  acknowledge(): void;
  /** What its deltas count, by metric: what is counted twice where it was stored and is sent again. */
  counted(): Iterable<{ metric: string; amount: number }>;
}

/** How far a metric's points have been written. */
interface Cursor {
  readonly leftover: number;
  readonly row: number;
}

type KeyedLeftover = readonly [key: string, leftover: Leftover];

/** Points of one metric in a request: rows from … to - 1, and vanished series. */
interface Slice {
  readonly table: TableTotals;
  readonly writer: PointWriter;
  readonly from: number;
  readonly to: number;
  readonly leftovers: readonly KeyedLeftover[];
}

/**
 * Encodes totals as requests, one at a time in the same buffer: the next is made when the one before has been sent.
 * Points are copied from cells and encoded labels; in the steady state nothing is allocated per series.
 */
export class RequestEncoder {
  readonly #scope: Buffer;
  readonly #aggregation: HistogramAggregation;
  readonly #clock: Clock;
  readonly #writer = new MessageBuffer();
  readonly #writers = new WeakMap<MetricTotals, PointWriter>();
  readonly #heads = new WeakMap<MetricTotals, Buffer>();
  #resource: { of: ResourceMetrics['resource']; bytes: Buffer } | undefined;

  /** `version` is the instrumentation scope's, `clock` what the totals' times are by. */
  constructor(version: string, aggregation: HistogramAggregation, clock: Clock) {
    this.#scope = messageField(1, [implicitStringField(1, scopeName), implicitStringField(2, version)]);
    this.#aggregation = aggregation;
    this.#clock = clock;
  }

  /** All requests of an export: the points of the exporter's own instruments first, then the tables'. A point above the limit goes alone. */
  *requests(
    resource: ResourceMetrics['resource'],
    own: readonly OwnPart[],
    tables: readonly TableTotals[],
    limits: RequestLimits,
  ): Generator<Request> {
    const request = new OpenRequest(this.#writer, limits, this.#resourceBytes(resource), this.#scope);
    for (const part of own) {
      if (!request.fits(part)) yield request.finish();
      request.appendOwn(part);
    }
    for (const table of tables) {
      for (const metric of table.metrics) {
        const writer = this.#writerOf(metric);
        const head = this.#headOf(metric);
        const leftovers = [...metric.leftovers];
        let next: Cursor = { leftover: 0, row: table.used === 0 ? table.length : 0 };
        while (next.leftover < leftovers.length || next.row < table.length) {
          next = request.appendMetric(table, writer, head, leftovers, next);
          if (next.leftover < leftovers.length || next.row < table.length) yield request.finish();
        }
      }
    }
    if (request.points > 0) yield request.finish();
  }

  #writerOf(metric: MetricTotals): PointWriter {
    let writer = this.#writers.get(metric);
    if (writer === undefined) {
      const exponential = this.#aggregation === 'base2_exponential_bucket_histogram';
      writer = new PointWriter(metric, pointForm(metric.plan, metric.isDelta, exponential), this.#clock);
      this.#writers.set(metric, writer);
    }
    return writer;
  }

  /** Name, description and unit. */
  #headOf(metric: MetricTotals): Buffer {
    let head = this.#heads.get(metric);
    if (head === undefined) {
      const { name, help, unit } = metric.plan;
      head = Buffer.concat([implicitStringField(1, name), implicitStringField(2, help), implicitStringField(3, unit)]);
      this.#heads.set(metric, head);
    }
    return head;
  }

  /** The fields of ResourceMetrics but its scopes, as the stock serializer writes them. */
  #resourceBytes(resource: ResourceMetrics['resource']): Buffer {
    if (this.#resource?.of !== resource) {
      const request = ProtobufMetricsSerializer.serializeRequest({ resource, scopeMetrics: [] }) ?? new Uint8Array(0);
      let start = 1;
      while (request[start]! >= 0x80) start++;
      this.#resource = { of: resource, bytes: Buffer.from(request.subarray(start + 1)) };
    }
    return this.#resource.bytes;
  }
}

/** The request that is being written. */
class OpenRequest {
  points = 0;
  readonly #writer: MessageBuffer;
  readonly #limits: RequestLimits;
  readonly #resource: Buffer;
  readonly #scope: Buffer;
  #own: OwnPart[] = [];
  #slices: Slice[] = [];
  /** Where the open ResourceMetrics and ScopeMetrics begin; undefined as long as no table's metric is in it. */
  #open: { resource: number; scope: number } | undefined;

  constructor(writer: MessageBuffer, limits: RequestLimits, resource: Buffer, scope: Buffer) {
    this.#writer = writer;
    this.#limits = limits;
    this.#resource = resource;
    this.#scope = scope;
    writer.length = 0;
  }

  fits(part: OwnPart): boolean {
    if (this.points === 0) return true;
    const { bytes, points } = this.#limits;
    return this.points + part.points <= points && this.#writer.length + part.bytes.length <= bytes - MARGIN;
  }

  appendOwn(part: OwnPart): void {
    this.#writer.append(part.bytes);
    this.points += part.points;
    this.#own.push(part);
  }

  /**
   * Writes one Metric with as many points as there is room for, those of vanished series first since they are older;
   * nothing where there is no room for one. Returns where to go on.
   */
  appendMetric(
    table: TableTotals,
    writer: PointWriter,
    head: Buffer,
    leftovers: readonly KeyedLeftover[],
    from: Cursor,
  ): Cursor {
    const out = this.#writer;
    const before = out.length;
    const wasOpen = this.#open;
    this.#openScope();
    const metric = out.open(METRIC);
    out.append(head);
    const data = out.open(writer.form.data * 8 + 2);
    const end = this.#limits.bytes - MARGIN;
    const most = this.#limits.points - this.points;
    const first = this.points === 0;
    const old = writer.leftovers(out, leftovers, from.leftover, { end, points: most }, first);
    const leftover = from.leftover + old;
    let { row } = from;
    let points = old;
    if (leftover === leftovers.length) {
      const written = writer.rows(out, table, row, { end, points: most - old }, first && old === 0);
      row = written.row;
      points += written.points;
    }
    if (points === 0) {
      out.length = before;
      this.#open = wasOpen;
      return { leftover, row };
    }
    out.append(writer.form.settings);
    out.close(data);
    out.close(metric);
    this.points += points;
    this.#slices.push({ table, writer, from: from.row, to: row, leftovers: leftovers.slice(from.leftover, leftover) });
    return { leftover, row };
  }

  /** Ends the request and begins the next, which overwrites it. */
  finish(): Request {
    const out = this.#writer;
    if (this.#open !== undefined) {
      out.close(this.#open.scope);
      out.close(this.#open.resource);
    }
    const own = this.#own;
    const slices = this.#slices;
    const request = {
      bytes: out.bytes.subarray(0, out.length),
      points: this.points,
      acknowledge: () => acknowledge(own, slices),
      counted: () => counted(own, slices),
    };
    out.length = 0;
    this.points = 0;
    this.#own = [];
    this.#slices = [];
    this.#open = undefined;
    return request;
  }

  #openScope(): void {
    if (this.#open !== undefined) return;
    const out = this.#writer;
    const resource = out.open(RESOURCE_METRICS);
    out.append(this.#resource);
    const scope = out.open(SCOPE_METRICS);
    out.append(this.#scope);
    this.#open = { resource, scope };
  }
}

function acknowledge(own: readonly OwnPart[], slices: readonly Slice[]): void {
  for (const part of own) part.acknowledge();
  for (const { table, writer, from, to, leftovers } of slices) {
    const { metric } = writer;
    for (const [key] of leftovers) metric.leftovers.delete(key);
    if (!metric.isGauge) metric.acknowledge(from, to, table, table.time);
  }
}

function* counted(own: readonly OwnPart[], slices: readonly Slice[]): Generator<{ metric: string; amount: number }> {
  for (const part of own) yield* part.counted();
  for (const { table, writer, from, to, leftovers } of slices) {
    const { plan, isDelta, columns, delivered } = writer.metric;
    if (!isDelta) continue;
    let amount = 0;
    for (const [, { numbers }] of leftovers) amount += writer.counted((column) => numbers[column]!);
    for (let row = from; row < to; row++) {
      if (table.identities[row] === 0) continue;
      const total = row * table.width;
      const known = row * columns.length;
      amount += writer.counted((column) => table.cells[total + columns[column]!]! - delivered[known + column]!);
    }
    if (amount > 0) yield { metric: plan.name, amount };
  }
}
