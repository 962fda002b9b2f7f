import { setImmediate } from 'node:timers/promises';
import type { MetricPlan, TablePlan } from '../../../config/plan.ts';
import type { Reading } from '../../../metrics/rows.ts';
import type { SelectTemporality } from '../../temporality.ts';
import { TableTotals } from './table.ts';

/** One reader's copy of everything that was read. */
export class ReaderTotals {
  /** Those of the last reading; a table whose map could not be read is not among them, and keeps what it has. */
  readable: readonly TableTotals[] = [];
  readonly #select: SelectTemporality;
  readonly #onDropped: (metric: MetricPlan) => void;
  readonly #tables = new Map<TablePlan, TableTotals>();

  /** `onDropped` is told of each vanished series whose last numbers there is no room to keep. */
  constructor(select: SelectTemporality, onDropped: (metric: MetricPlan) => void) {
    this.#select = select;
    this.#onDropped = onDropped;
  }

  /** Takes in a reading, which must not be followed by another meanwhile; undefined: nothing could be read. */
  async take(reading: Reading | undefined): Promise<void> {
    const readable: TableTotals[] = [];
    for (const rows of reading?.tables ?? []) {
      if (!rows.readable) continue;
      let table = this.#tables.get(rows.plan);
      if (table === undefined) {
        table = new TableTotals(rows, this.#select, this.#onDropped);
        this.#tables.set(rows.plan, table);
      }
      for (const _ of table.take(rows, reading!.time)) await setImmediate();
      readable.push(table);
    }
    this.readable = readable;
  }
}
