import type { Attributes, HrTime } from '@opentelemetry/api';
import type { FieldPlan, MetricPlan, NumberType, TablePlan } from '../../src/config/plan.ts';
import { Clock } from '../../src/metrics/clock.ts';
import { labelsText } from '../../src/metrics/label-text.ts';
import type { Reading, Rows, RowTexts, SeriesStore } from '../../src/metrics/rows.ts';

export const ONE = { multiplier: 1, divisor: 1 };

export function counter(name: string, cell = 0, scale = ONE): MetricPlan {
  return { kind: 'counter', name, help: `Help of ${name}`, unit: '', cell, scale };
}

export function gauge(name: string, cell = 0, scale = ONE): MetricPlan {
  return { kind: 'gauge', name, help: `Help of ${name}`, unit: '', cell, scale };
}

/** The table's cells are one field of the given type. */
export function tablePlan(name: string, width: number, metrics: MetricPlan[], type: NumberType = 'u64'): TablePlan {
  const labels = [{ name: 'key', offset: 0, size: 4, decoders: [] }];
  const field: FieldPlan = { offset: 0, type, count: width, cell: 0 };
  const source = { kind: 'entries', map: name, perCpu: 'no', cache: undefined } as const;
  return { name, source, keySize: 4, labels, bucketKey: undefined, width, fields: [field], metrics };
}

interface FakeRow {
  readonly key: string;
  readonly identity: number;
  readonly attributes: Attributes;
  readonly start: HrTime;
}

/**
 * Rows by hand: `set` gives a series its cells, `remove` ends it. Freed row numbers are reused, the last one first.
 * A series is named by the value of its one attribute, `key`.
 */
export class FakeRows implements Rows {
  readonly plan: TablePlan;
  readonly program = 'fake';
  readable = true;
  revision = 1;
  cells: Float64Array;
  #rows: (FakeRow | undefined)[] = [];
  #free: number[] = [];
  #identity = 0;

  constructor(plan: TablePlan) {
    this.plan = plan;
    this.cells = new Float64Array(0);
  }

  get length(): number {
    return this.#rows.length;
  }

  get used(): number {
    return this.#rows.length - this.#free.length;
  }

  /** Adds the series where it isn't there, with this start time. Returns its row. */
  set(key: string, values: readonly number[], start: HrTime = [100, 0]): number {
    let row = this.#rows.findIndex((other) => other?.key === key);
    if (row < 0) {
      row = this.#free.pop() ?? this.#rows.length;
      this.#rows[row] = { key, identity: ++this.#identity, attributes: { key }, start };
      this.revision++;
      if (this.#rows.length * this.plan.width > this.cells.length) this.#grow();
    }
    this.cells.set(values, row * this.plan.width);
    return row;
  }

  remove(key: string): void {
    const row = this.#rows.findIndex((other) => other?.key === key);
    this.#rows[row] = undefined;
    this.#free.push(row);
    this.cells.fill(Number.NaN, row * this.plan.width, (row + 1) * this.plan.width);
    this.revision++;
  }

  get series(): RowTexts {
    const texts = this.#rows.map((row) => Buffer.from(row === undefined ? '' : labelsText(['key'], [row.key])));
    const lengths = Int32Array.from(texts, ({ length }) => length);
    let end = 0;
    const starts = lengths.map((length) => {
      end += length;
      return end - length;
    });
    return { bytes: Buffer.concat(texts), starts, lengths };
  }

  isUsed(row: number): boolean {
    return this.#rows[row] !== undefined;
  }

  identity(row: number): number {
    return this.#rows[row]!.identity;
  }

  attributes(row: number): Attributes {
    return this.#rows[row]!.attributes;
  }

  startTime(row: number): HrTime {
    return this.#rows[row]!.start;
  }

  #grow(): void {
    const cells = new Float64Array(this.#rows.length * this.plan.width * 2);
    cells.set(this.cells);
    this.cells = cells;
  }
}

/** A store whose readings are what the tables hold; the time is set by the test, in seconds, or the clock's. */
export class FakeStore implements SeriesStore {
  clock = new Clock();
  readonly tables: FakeRows[];
  time = 1000;
  /** Set: the time is the clock's. */
  isClocked = false;
  errors: Error[] = [];
  sequence = 0;
  /** Set: a reading fails as a whole. */
  failure: Error | undefined;

  constructor(...tables: FakeRows[]) {
    this.tables = tables;
  }

  async read(): Promise<Reading> {
    if (this.failure !== undefined) throw this.failure;
    const { tables, errors } = this;
    const time: HrTime = this.isClocked ? this.clock.read() : [this.time, 0];
    return { sequence: ++this.sequence, time, tables, durationMs: 2, errors };
  }

  hold(): Disposable {
    return { [Symbol.dispose]() {} };
  }
}
