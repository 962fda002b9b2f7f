import type { ProgramPlan } from '../config/plan.ts';
import type { Table } from './table.ts';

/**
 * Which metrics of a program a reading has without some of their keys, since a label of these can't be decoded: as
 * ebpf_exporter counts them, again with each reading as long as such a key is there.
 */
export class UndecodedMetrics {
  /** Maps whose keys are records that came: they stay, and count once. */
  readonly #records: ReadonlySet<string>;
  readonly #known = new Map<Table, number>();
  /** Names; readers with different limits have tables of their own. */
  readonly #metrics = new Set<string>();

  constructor({ perfArrays = [] }: ProgramPlan) {
    this.#records = new Set(perfArrays.map(({ map }) => map));
  }

  /** To be called when the table has been read. */
  note(table: Table): void {
    const { undecoded, plan } = table;
    const { source } = plan;
    const isRecords = source.kind === 'entries' && this.#records.has(source.map);
    const before = isRecords ? (this.#known.get(table) ?? 0) : 0;
    if (isRecords) this.#known.set(table, undecoded);
    if (undecoded > before) for (const { name } of plan.metrics) this.#metrics.add(name);
  }

  /** How many they are since it was asked last. */
  take(): number {
    const { size } = this.#metrics;
    this.#metrics.clear();
    return size;
  }
}
