import type { Attributes, HrTime } from '@opentelemetry/api';
import { prometheusLabelName } from '../config/names/prometheus.ts';
import type { LabelPlan, TablePlan } from '../config/plan.ts';
import type { Decode } from '../decoders/decoder.ts';
import { DecodeError } from '../decoders/decoder.ts';
import type { KernelFacts } from '../decoders/kernel-facts.ts';
import { labelText } from '../decoders/label-text.ts';
import { createDecoder, namesMove } from '../decoders/registry.ts';
import { Carry } from './carry.ts';
import type { Clock } from './clock.ts';
import type { EntryNumbers } from './entry-numbers.ts';
import { addField, type ValueBlock } from './gather.ts';
import { labelsText } from './label-text.ts';
import { isOverflow, OVERFLOW_ATTRIBUTE, overflowPlan } from './overflow.ts';
import type { Rows } from './rows.ts';
import { SeriesRows } from './series-rows.ts';
import type { Tallies } from './tallies.ts';

/** The place of a key that has no row: a regexp turned it away, or its bucket is none that there is. */
export const NO_ROW = -1;
/** The place of a key that has no row since a label of it can't be decoded. */
const UNDECODED = -2;

const OVERFLOW_ATTRIBUTES: Attributes = { [OVERFLOW_ATTRIBUTE]: true };

/** Places of entries, whose first `count` are in use. */
export interface Places {
  readonly found: Int32Array;
  readonly count: number;
}

/** How many series a table may have. */
interface TableLimit {
  readonly series: number;
  /**
   * Whether no series comes in any more once one was left out: where a key's numbers move from a cache to the map, it
   * must not come in with numbers that were counted outside.
   */
  readonly closes: boolean;
}

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
  readonly #hidden: readonly { readonly plan: LabelPlan; readonly decode: Decode }[];
  readonly #bucket: Decode | undefined;
  /** Whether names may change that labels stand on. */
  readonly namesMove: boolean;
  /** How often they have. */
  readonly #nameChanges: () => number;
  #seenChanges = 0;
  readonly #limit: TableLimit | undefined;
  /** The series that what is beyond the limit is summed into; undefined where there is no limit. */
  readonly overflow: Table | undefined;
  /** The row whose cells that series has; -1 as long as the limit was not reached. */
  #outside = -1;
  /** Rows made beyond the limit by this reading, in the order of their making. */
  #excess: number[] = [];
  /** Keys of the last reading that have no row since a label of theirs can't be decoded. */
  undecoded = 0;
  /** Whether there was ever such a key: only then they are looked for. */
  #hasUndecoded = false;
  readonly #attached: HrTime;
  readonly #clock: Clock;
  #lastReading: HrTime | undefined;
  #values: string[] = [];
  readonly #carry: Carry;

  /** `attached` is when the program began to count; `limit`, where the source may have more keys than that. */
  constructor(
    plan: TablePlan,
    program: string,
    attached: HrTime,
    kernel: KernelFacts,
    tallies: Tallies,
    clock: Clock,
    limit?: TableLimit,
  ) {
    this.plan = plan;
    this.program = program;
    this.#attached = attached;
    this.#clock = clock;
    this.#tallies = tallies;
    this.#carry = new Carry(plan);
    const decoded = (label: LabelPlan) => ({ plan: label, decode: createDecoder(label.decoders, kernel) });
    this.#labels = plan.labels.map(decoded);
    this.#hidden = (plan.hidden ?? []).map(decoded);
    this.namesMove = [...plan.labels, ...(plan.hidden ?? [])].some(({ decoders }) => namesMove(decoders));
    this.#nameChanges = () => (this.namesMove ? (kernel.nameChanges?.() ?? 0) : 0);
    this.#limit = limit;
    this.overflow = limit && new Table(overflowPlan(plan), program, attached, kernel, tallies, clock);
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
    return isOverflow(this.plan.labels) ? OVERFLOW_ATTRIBUTES : this.series.attributes(row, this.#names);
  }

  startTime(row: number): HrTime {
    return this.series.startTime(row);
  }

  /** The same on the wall clock as it is now; the same array for equal times, until that clock is set back. */
  created(row: number): HrTime {
    return this.#clock.created(this.series.startTime(row));
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

  /** The same of `count` entries whose numbers are known, and begin where `starts` says. */
  addNumbers({ numbers, width }: EntryNumbers, starts: Int32Array, places: Int32Array, count: number): void {
    for (let entry = 0; entry < count; entry++) {
      const place = places[entry]!;
      if (place < 0) continue;
      const start = starts[entry]!;
      for (let i = 0; i < width; i++) this.cells[place + i]! += numbers[start + i]!;
    }
  }

  /**
   * Whether, since it was asked last, something that a label is about got another name, such as an interface's index: then
   * every key is to be acquired once more, and its former place released.
   */
  takeRenamed(): boolean {
    const changes = this.#nameChanges();
    const isRenamed = changes !== this.#seenChanges;
    this.#seenChanges = changes;
    return isRenamed;
  }

  /** Whether keys that are gone may leave numbers behind in rows of others. */
  get sharesRows(): boolean {
    return this.series.shared > 0 || this.#outside >= 0;
  }

  /**
   * Keeps the limit: what came beyond it in this reading, the newest first, gets the place of the overflow series, which
   * it keeps as long as its key is there. To be called with all places of the reading's keys, before the cells are cleared.
   */
  settle(...all: readonly Places[]): void {
    if (this.#hasUndecoded) this.undecoded = countUndecoded(all);
    if (this.#excess.length === 0) return;
    // Those that are gone have been released by now, so that only what is really too many is left out.
    const many = Math.min(this.series.used - this.#limit!.series, this.#excess.length);
    const newest = many > 0 ? this.#excess.slice(-many) : [];
    this.#excess = [];
    if (newest.length === 0) return;
    const { width } = this.plan;
    const isOutside = new Uint8Array(this.series.length);
    for (const row of newest) isOutside[row] = 1;
    const outside = this.#outsidePlace(0);
    let keys = 0;
    for (const row of newest) this.#carry.move(row, this.#outside);
    for (const { found, count } of all) {
      for (let entry = 0; entry < count; entry++) {
        const place = found[entry]!;
        const row = Math.floor(place / width);
        if (place < 0 || isOutside[row] !== 1) continue;
        found[entry] = outside + (place % width);
        this.series.release(row);
        keys++;
      }
    }
    this.#tallies.overflowed(this.program, this.plan.name, keys);
  }

  /** Ends a reading that went well. */
  complete(time: HrTime): void {
    const { overflow } = this;
    if (overflow !== undefined) {
      if (this.#outside >= 0) {
        const { width } = this.plan;
        overflow.cells = this.cells.slice(this.#outside * width, (this.#outside + 1) * width);
      }
      overflow.complete(time);
    }
    this.readable = true;
    this.#lastReading = time;
    this.series.compact();
  }

  /** Ends a reading that failed. */
  fail(): void {
    this.readable = false;
    if (this.overflow !== undefined) this.overflow.readable = false;
  }

  acquire(keys: Uint8Array, offset: number): number {
    const { width, bucketKey } = this.plan;
    const column = bucketKey === undefined ? 0 : this.#column(keys, offset);
    if (column < 0) return column;
    const values = this.#values;
    for (let i = 0; i < this.#labels.length; i++) {
      const { plan, decode } = this.#labels[i]!;
      const bytes = this.#decode(plan, decode, keys, offset);
      if (typeof bytes === 'number') return bytes;
      values[i] = labelText(bytes);
    }
    for (const { plan, decode } of this.#hidden) {
      const bytes = this.#decode(plan, decode, keys, offset);
      if (typeof bytes === 'number') return bytes;
    }
    const text = Buffer.from(labelsText(this.#promNames, values));
    const since = this.#lastReading ?? this.#attached;
    if (this.#limit === undefined) return this.series.acquire(text, since) * width + column;
    const { series, closes } = this.#limit;
    const { used } = this.series;
    // Keys come before others go, and at most as many go as are inside; what is beyond that is too much in any case.
    const row = this.series.acquire(text, since, closes && this.#outside >= 0 ? 0 : series * 2);
    if (row < 0) {
      this.#tallies.overflowed(this.program, this.plan.name, 1);
      return this.#outsidePlace(column);
    }
    if (this.series.used > used && this.series.used > series) this.#excess.push(row);
    return row * width + column;
  }

  #outsidePlace(column: number): number {
    if (this.#outside < 0) {
      this.#outside = this.series.reserve();
      // Never released: a sum that has begun goes on, also where nothing is outside any more.
      const text = Buffer.from(labelsText([prometheusLabelName(OVERFLOW_ATTRIBUTE)], ['true']));
      this.overflow!.series.acquire(text, this.#lastReading ?? this.#attached);
    }
    return this.#outside * this.plan.width + column;
  }

  /** A key with this place is gone, and what it counted with it. */
  release(place: number): void {
    if (place < 0) return;
    const row = Math.floor(place / this.plan.width);
    if (row === this.#outside) return;
    this.series.release(row);
    if (this.series.references[row] === 0 || this.series.used === 0) this.#carry.clear(row);
  }

  /**
   * A key with this place is gone; where others lead to its row, what it counted stays: its numbers begin at `start`
   * in `last`, the last reading's, which may be undefined where no row was shared then, so that its row has them all.
   */
  retire(place: number, last: EntryNumbers | undefined, start: number): void {
    const row = Math.floor(place / this.plan.width);
    if (this.#isShared(place)) {
      if (last === undefined) this.#carry.replace(row, this.cells);
      else this.#carry.add(place, last, start);
    }
    this.release(place);
  }

  /**
   * A key with this place counts from zero again, as if it had been gone in between. Where its row is its own that is left
   * to readers to see; where others lead to it they could not tell how much of the sum began anew.
   */
  restart(place: number, last: EntryNumbers, start: number): void {
    if (this.#isShared(place)) this.#carry.add(place, last, start);
  }

  /**
   * A key has another place, which it has acquired: what it had counted till then, from `start` in `last`, stays with its
   * former one. Undefined: it is new, and had counted nothing.
   */
  move(from: number, to: number, last: EntryNumbers | undefined, start: number): void {
    const { width } = this.plan;
    const isElsewhere = Math.floor(from / width) !== Math.floor(to / width);
    if (last !== undefined && isElsewhere && from >= 0) {
      if (to >= 0) this.#carry.subtract(to, last, start);
      this.retire(from, last, start);
    } else {
      this.release(from);
    }
  }

  #isShared(place: number): boolean {
    const row = Math.floor(place / this.plan.width);
    return place >= 0 && (row === this.#outside || this.series.references[row]! > 1);
  }

  /** The column of the key's bucket; below 0 the place of a key without a row. */
  #column(keys: Uint8Array, offset: number): number {
    const { label, columns } = this.plan.bucketKey!;
    const bytes = this.#decode(label, this.#bucket!, keys, offset);
    if (typeof bytes === 'number') return bytes;
    const text = bytes.toString('latin1');
    const column = /^\d+$/.test(text) ? columns.get(Number(text)) : undefined;
    if (column !== undefined) return column;
    this.#tallies.decodeError(this.program, this.plan.name, label.name);
    return NO_ROW;
  }

  /** The place of a key without a row where the series isn't wanted, or where the bytes make no sense, which is counted. */
  #decode(plan: LabelPlan, decode: Decode, keys: Uint8Array, offset: number): Buffer | number {
    const start = keys.byteOffset + offset + plan.offset;
    try {
      return decode(Buffer.from(keys.buffer as ArrayBuffer, start, plan.size)) ?? NO_ROW;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#tallies.decodeError(this.program, this.plan.name, plan.name);
      this.#hasUndecoded = true;
      return UNDECODED;
    }
  }
}

function countUndecoded(all: readonly Places[]): number {
  let keys = 0;
  for (const { found, count } of all)
    for (let entry = 0; entry < count; entry++) if (found[entry] === UNDECODED) keys++;
  return keys;
}
