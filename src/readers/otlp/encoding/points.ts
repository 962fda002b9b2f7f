import type { HrTime } from '@opentelemetry/api';
import type { MetricPlan } from '../../../config/plan.ts';
import type { Clock } from '../../../metrics/clock.ts';
import type { MessageBuffer } from '../../wire/message-buffer.ts';
import { varintSize } from '../../wire/protobuf.ts';
import { copyLabels } from '../totals/encoded-labels.ts';
import type { Leftover, MetricTotals } from '../totals/metric.ts';
import type { TableTotals } from '../totals/table.ts';
import { exponentialForm } from './exponential-points.ts';
import { histogramForm } from './histogram-points.ts';
import { numberForm } from './number-points.ts';
import type { PointForm } from './point-form.ts';

/** Field data_points of Gauge, Sum, Histogram and ExponentialHistogram; start and time of every kind of point. */
const POINT = 0x0a;
const START_TIME = 0x11;
const TIME = 0x19;
const TIMES_BYTES = 18;

/** `exponential`: histograms with buckets of powers of two are sent as such, unless a view says otherwise. */
export function pointForm(plan: MetricPlan, isDelta: boolean, exponential: boolean): PointForm {
  if (plan.kind !== 'histogram') return numberForm(plan, isDelta);
  const isWanted = plan.aggregation === undefined ? exponential : plan.aggregation === 'exponential';
  return (isWanted ? exponentialForm(plan, isDelta) : undefined) ?? histogramForm(plan, isDelta);
}

/** What limits a request. */
interface Room {
  /** The writer's length that must not be passed. */
  readonly end: number;
  readonly points: number;
}

/** Writes the points of one metric, one series after the other. */
export class PointWriter {
  readonly metric: MetricTotals;
  readonly form: PointForm;
  readonly #values: Float64Array;
  readonly #clock: Clock;
  readonly #start = new EncodedTime();
  readonly #time = new EncodedTime();

  /** `clock`: what the totals' times are by. */
  constructor(metric: MetricTotals, form: PointForm, clock: Clock) {
    this.#clock = clock;
    this.metric = metric;
    this.form = form;
    this.#values = new Float64Array(metric.columns.length);
  }

  /**
   * Writes rows from `from` on until there is no more room; returns the row to go on with and how many points there are.
   * `first`: one point is written whatever its size, so that every request takes things forward.
   */
  rows(
    writer: MessageBuffer,
    table: TableTotals,
    from: number,
    room: Room,
    first: boolean,
  ): { row: number; points: number } {
    const { metric } = this;
    const { identities, labels, cells, width, length } = table;
    const { columns, delivered, starts, isDelta } = metric;
    const values = this.#values;
    let points = 0;
    const isStepped = this.#clock.steps.length > 0;
    let told: HrTime = [-1, 0];
    this.#time.set(table.time[0], table.time[1]);
    let row = from;
    for (; row < length; row++) {
      if (identities[row] === 0) continue;
      const base = row * width;
      const own = row * columns.length;
      for (let i = 0; i < columns.length; i++) {
        const total = cells[base + columns[i]!]!;
        values[i] = isDelta ? total - delivered[own + i]! : total;
      }
      const seconds = starts[row * 2]!;
      const nanoseconds = starts[row * 2 + 1]!;
      if (!isStepped) {
        this.#start.set(seconds, nanoseconds);
      } else if (seconds !== told[0] || nanoseconds !== told[1]) {
        told = [seconds, nanoseconds];
        this.#tell(told, table.time);
      }
      if (!this.#point(writer, labels.bytes, labels.starts[row]!, labels.lengths[row]!, values, room, points, first))
        break;
      points++;
    }
    return { row, points };
  }

  /** The same for vanished series; returns how many of them were written. */
  leftovers(
    writer: MessageBuffer,
    leftovers: readonly (readonly [unknown, Leftover])[],
    from: number,
    room: Room,
    first: boolean,
  ): number {
    let points = 0;
    for (let i = from; i < leftovers.length; i++) {
      const { labels, numbers, start, time } = leftovers[i]![1];
      this.#tell(start, time);
      if (!this.#point(writer, labels, 0, labels.length, numbers, room, points, first)) break;
      points++;
    }
    return points;
  }

  /** What these numbers count: of a counter its value in the metric's unit, of a histogram its observations. */
  counted(numbers: (column: number) => number): number {
    const { plan } = this.metric;
    if (plan.kind !== 'histogram') return (numbers(0) * plan.scale.multiplier) / plan.scale.divisor;
    let count = 0;
    for (let slot = 0; slot < plan.slots; slot++) count += numbers(slot);
    return count;
  }

  /** As the next points have them, on the wall clock. */
  #tell(from: HrTime, to: HrTime): void {
    const { start, time } = this.#clock.told(from, to);
    this.#start.set(start[0], start[1]);
    this.#time.set(time[0], time[1]);
  }

  #point(
    writer: MessageBuffer,
    labels: Uint8Array,
    labelsStart: number,
    labelsLength: number,
    values: Float64Array,
    room: Room,
    points: number,
    first: boolean,
  ): boolean {
    const { form } = this;
    const size = TIMES_BYTES + form.size(values) + labelsLength;
    const whole = 1 + varintSize(size) + size;
    if ((points >= room.points || writer.length + whole > room.end) && !(first && points === 0)) return false;
    writer.reserve(whole);
    writer.byte(POINT);
    writer.varint(size);
    writer.byte(START_TIME);
    this.#start.write(writer);
    writer.byte(TIME);
    this.#time.write(writer);
    form.write(writer, values);
    writer.length = copyLabels(writer.bytes, writer.length, labels, labelsStart, labelsLength, form.attributes);
    return true;
  }
}

/** A time as nanoseconds since 1970; nearly all points of a metric share theirs. */
class EncodedTime {
  #seconds = -1;
  #nanoseconds = -1;
  #low = 0;
  #high = 0;

  set(seconds: number, nanoseconds: number): void {
    if (seconds === this.#seconds && nanoseconds === this.#nanoseconds) return;
    const time = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
    this.#seconds = seconds;
    this.#nanoseconds = nanoseconds;
    this.#low = Number(time & 0xffffffffn);
    this.#high = Number(time >> 32n);
  }

  write(writer: MessageBuffer): void {
    writer.view.setUint32(writer.length, this.#low, true);
    writer.view.setUint32(writer.length + 4, this.#high, true);
    writer.length += 8;
  }
}
