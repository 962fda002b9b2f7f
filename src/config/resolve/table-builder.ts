import type { BucketKeyPlan, FieldPlan, LabelPlan, MetricPlan, SourcePlan, TablePlan } from '../plan.ts';
import type { Numbers } from './values.ts';

/** What metrics of one table have in common. */
interface TableShape {
  readonly name: string;
  readonly source: SourcePlan;
  readonly keySize: number;
  readonly labels: readonly LabelPlan[];
  readonly bucketKey: BucketKeyPlan | undefined;
}

/** Puts metrics with the same source and labels into one table, so that its map is read and its keys are decoded once. */
export class TablesBuilder {
  readonly #tables = new Map<string, TableBuilder>();

  table(shape: TableShape): TableBuilder {
    const identity = JSON.stringify(shape, (_, value) => (value instanceof Map ? [...value] : value));
    let table = this.#tables.get(identity);
    if (table === undefined) {
      table = new TableBuilder(shape);
      this.#tables.set(identity, table);
    }
    return table;
  }

  build(): readonly TablePlan[] {
    return [...this.#tables.values()].map((table) => table.build());
  }
}

class TableBuilder {
  readonly metrics: MetricPlan[] = [];
  readonly #shape: TableShape;
  readonly #fields: FieldPlan[] = [];
  #width = 0;

  constructor(shape: TableShape) {
    this.#shape = shape;
  }

  /** The column of the first of these numbers; the same numbers are read once. */
  cell({ offset, type, count }: Numbers): number {
    const known = this.#fields.find((field) => field.offset === offset && field.type === type && field.count === count);
    if (known !== undefined) return known.cell;
    const cell = this.#width;
    this.#fields.push({ offset, type, count, cell });
    this.#width += count;
    return cell;
  }

  build(): TablePlan {
    const { bucketKey } = this.#shape;
    // The sum's column is the last, also where no key leads to it.
    const sums = this.metrics.map((metric) => (metric.kind === 'histogram' ? (metric.sum?.cell ?? 0) : 0));
    const width = bucketKey === undefined ? this.#width : Math.max(...bucketKey.columns.values(), ...sums) + 1;
    return { ...this.#shape, width, fields: this.#fields, metrics: this.metrics };
  }
}
