import type { Attributes, HrTime } from '@opentelemetry/api';
import type { LabelPlan, TablePlan } from '../config/plan.ts';
import type { Decode, KernelFacts } from '../decoders/decoder.ts';
import { DecodeError } from '../decoders/decoder.ts';
import { labelText } from '../decoders/label-text.ts';
import { createDecoder } from '../decoders/registry.ts';
import { Carry } from './carry.ts';
import { addField, type ValueBlock } from './gather.ts';
import { prometheusLabelName } from './prometheus-name.ts';
import type { Rows } from './rows.ts';
import { labelsText, SeriesRows } from './series-rows.ts';
import type { Tallies } from './tallies.ts';

/** The place of a key that has no row: it could not be decoded, or a regexp turned it away. */
export const NO_ROW = -1;

/**
 * The rows and the numbers of one table. A place, as KeyPlaces keeps it per key, is the index of the first cell of
 * the key's row, or, where the bucket is in the key, of the one cell that the key's value belongs to.
 */
export class Table implements Rows {
  readonly plan: TablePlan;
  readonly program: string;
  readonly series = new SeriesRows();
  readable = false;
  cells = new Float64Array(0);

  readonly #tallies: Tallies;
  readonly #labels: readonly { readonly plan: LabelPlan; readonly decode: Decode }[];
  readonly #names: readonly string[];
  readonly #promNames: readonly string[];
  readonly #bucket: Decode | undefined;
  readonly #attached: HrTime;
  #lastReading: HrTime | undefined;
  #values: string[] = [];
  readonly #carry: Carry;

  /** `attached` is when the program began to count. */
  constructor(plan: TablePlan, program: string, attached: HrTime, kernel: KernelFacts, tallies: Tallies) {
    this.plan = plan;
    this.program = program;
    this.#attached = attached;
    this.#tallies = tallies;
    this.#carry = new Carry(plan);
    this.#labels = plan.labels.map((label) => ({ plan: label, decode: createDecoder(label.decoders, kernel) }));
    this.#names = plan.labels.map((label) => label.name);
    this.#promNames = this.#names.map((name) => prometheusLabelName(name));
    this.#bucket = plan.bucketKey && createDecoder(plan.bucketKey.label.decoders, kernel);
  }

  get length(): number {
    return this.series.length;
  }

  get used(): number {
    return this.series.used;
  }

  get revision(): number {
    return this.series.revision;
  }

  isUsed(row: number): boolean {
    return this.series.references[row]! > 0;
  }

  identity(row: number): number {
    return this.series.identity(row);
  }

  attributes(row: number): Attributes {
    return this.series.attributes(row, this.#names);
  }

  startTime(row: number): HrTime {
    return this.series.startTime(row);
  }

  /**
   * Sets all cells to what is left of keys that are gone, mostly zero, with room for every row; to be called when the
   * reading's keys have their places.
   */
  clearCells(): void {
    const needed = this.series.length * this.plan.width;
    if (this.cells.length < needed || this.cells.length > needed * 4 + 1024) {
      this.cells = new Float64Array(Math.ceil(needed * 1.25));
    } else {
      this.cells.fill(0);
    }
    this.#carry.writeTo(this.cells);
  }

  /** Adds the values of consecutive entries at their places. */
  add(block: ValueBlock, places: Int32Array, first: number): void {
    for (const field of this.plan.fields) {
      addField(this.plan.bucketKey === undefined ? field : { ...field, cell: 0 }, block, this.cells, places, first);
    }
  }

  /** Ends a reading that went well. */
  complete(time: HrTime): void {
    this.readable = true;
    this.#lastReading = time;
    this.series.compact();
  }

  acquire(keys: Uint8Array, offset: number): number {
    const { width, bucketKey } = this.plan;
    const column = bucketKey === undefined ? 0 : this.#column(keys, offset);
    if (column === undefined) return NO_ROW;
    const values = this.#values;
    for (let i = 0; i < this.#labels.length; i++) {
      const { plan, decode } = this.#labels[i]!;
      const bytes = this.#decode(plan, decode, keys, offset);
      if (bytes === undefined) return NO_ROW;
      values[i] = labelText(bytes);
    }
    const text = Buffer.from(labelsText(this.#promNames, values));
    return this.series.acquire(text, this.#lastReading ?? this.#attached) * width + column;
  }

  /** A key with this place is gone, and what it counted with it. */
  release(place: number): void {
    if (place < 0) return;
    const row = Math.floor(place / this.plan.width);
    this.series.release(row);
    if (this.series.references[row] === 0 || this.series.used === 0) this.#carry.clear(row);
  }

  /**
   * A key with this place is gone; where others lead to its row, what it counted stays: its numbers are the `entry`-th
   * of `last`, the last reading's, which may be undefined where no row was shared then, so that its row has them all.
   */
  retire(place: number, last: ValueBlock | undefined, entry: number): void {
    const row = Math.floor(place / this.plan.width);
    if (place >= 0 && this.series.references[row]! > 1) {
      if (last === undefined) this.#carry.replace(row, this.cells);
      else this.#carry.add(place, last, entry);
    }
    this.release(place);
  }

  #column(keys: Uint8Array, offset: number): number | undefined {
    const { label, columns } = this.plan.bucketKey!;
    const bytes = this.#decode(label, this.#bucket!, keys, offset);
    if (bytes === undefined) return undefined;
    const text = bytes.toString('latin1');
    const column = /^\d+$/.test(text) ? columns.get(Number(text)) : undefined;
    if (column === undefined) this.#tallies.decodeError(this.program, this.plan.name, label.name);
    return column;
  }

  /** Undefined where the series isn't wanted, or where the bytes make no sense, which is counted. */
  #decode(plan: LabelPlan, decode: Decode, keys: Uint8Array, offset: number): Buffer | undefined {
    const start = keys.byteOffset + offset + plan.offset;
    try {
      return decode(Buffer.from(keys.buffer as ArrayBuffer, start, plan.size));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#tallies.decodeError(this.program, this.plan.name, plan.name);
      return undefined;
    }
  }
}
