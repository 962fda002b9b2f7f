import type { MessageBuffer } from '../../wire/message-buffer.ts';

/** How the points of one metric are written. */
export interface PointForm {
  /** Field number of Metric.data. */
  readonly data: number;
  /** Tag of the attributes of such a point. */
  readonly attributes: number;
  /** What is behind the points: temporality, and whether a sum is monotonic. */
  readonly settings: Uint8Array;
  /** Bytes of the numbers in `values` (by column of the metric), without times and attributes. */
  size(values: Float64Array): number;
  /** Writes so many bytes; they are reserved. */
  write(writer: MessageBuffer, values: Float64Array): void;
}
