import { prometheusLabelName } from '../../../config/names/prometheus.ts';
import { LabelReader } from '../../../metrics/label-text.ts';
import type { Table } from '../../../metrics/table.ts';
import { copyBytes } from '../../wire/copy-bytes.ts';
import { labelName, type Naming } from './family.ts';

/** How one syntax writes the labels of a row. */
export interface LabelSyntax {
  /** What is in front of the value of the label of this name on the page: of text `,name="`. */
  opening(name: string, index: number): Buffer;
  /** Bytes that one label may need beside its opening and its text, at most. */
  readonly extra: number;
  /** Writes one label, whose value the reader is at; answers the position behind it. */
  label(out: Uint8Array, start: number, opening: Buffer, reader: LabelReader): number;
}

/** `,name="`, as the text is kept. */
export function textOpening(name: string, index: number): Buffer {
  return Buffer.from(`${index === 0 ? '' : ','}${name}="`);
}

/** The labels of a table's rows, made of the text that the series keep under the names of text 0.0.4. */
export class RowLabels {
  /** Bytes that a row's labels may need beside the text that is kept. */
  readonly extra: number;
  readonly #table: Table;
  readonly #syntax: LabelSyntax;
  /** Undefined: all is as it is kept. */
  readonly #openings: readonly Buffer[] | undefined;
  /** Bytes in front of each value in the text that is kept. */
  readonly #kept: readonly number[];
  readonly #reader = new LabelReader();

  constructor(table: Table, naming: Naming, syntax: LabelSyntax) {
    const { labels } = table.plan;
    this.#table = table;
    this.#syntax = syntax;
    const kept = labels.map(({ name }, index) => textOpening(prometheusLabelName(name), index));
    const openings = labels.map(({ name }, index) => syntax.opening(labelName(name, naming), index));
    const isKept = openings.every((bytes, index) => bytes.equals(kept[index]!));
    this.#openings = isKept ? undefined : openings;
    this.#kept = kept.map(({ length }) => length);
    this.extra = isKept ? 0 : openings.reduce((sum, { length }) => sum + length + syntax.extra, 0);
  }

  /** Writes the labels of a row; answers the position behind them. */
  write(out: Uint8Array, start: number, row: number): number {
    const { bytes, starts, lengths } = this.#table.series;
    const openings = this.#openings;
    if (openings === undefined) return copyBytes(out, start, bytes, starts[row]!, lengths[row]!);
    const reader = this.#reader;
    const syntax = this.#syntax;
    let at = start;
    reader.begin(bytes, starts[row]!);
    for (let label = 0; label < openings.length; label++) {
      reader.skip(this.#kept[label]!);
      at = syntax.label(out, at, openings[label]!, reader);
    }
    return at;
  }
}
