import type { FieldPlan, NumberType } from '../config/plan.ts';

/** Values of consecutive entries, each `stride` bytes from the next, with `cpus` values `cpuStride` bytes apart in each. */
export interface ValueBlock {
  readonly bytes: Uint8Array;
  /** Bytes to the first entry's value. */
  readonly start: number;
  readonly count: number;
  readonly stride: number;
  readonly cpus: number;
  readonly cpuStride: number;
}

const TWO_32 = 4294967296;

/**
 * Adds one field of each entry, summed over the CPUs, to the cells.
 * `cellOf[first + entry]` is the cell of the field's column 0, negative where the entry has no row.
 * 64-bit values are exact to 2^53 and the nearest double above, also for a sum over CPUs, whose halves are added apart.
 */
export function addField(
  field: FieldPlan,
  block: ValueBlock,
  cells: Float64Array,
  cellOf: Int32Array,
  first: number,
): void {
  const aligned = ((block.bytes.byteOffset | block.start | field.offset | block.stride | block.cpuStride) & 3) === 0;
  if ((field.type === 'u64' || field.type === 'i64') && aligned) {
    addWide(field, block, cells, cellOf, first);
  } else {
    addNarrow(field, block, cells, cellOf, first);
  }
}

function addWide(field: FieldPlan, block: ValueBlock, cells: Float64Array, cellOf: Int32Array, first: number): void {
  const words = new Uint32Array(block.bytes.buffer, block.bytes.byteOffset, quarter(block.bytes.byteLength));
  const signed = field.type === 'i64';
  const start = quarter(block.start + field.offset);
  const stride = quarter(block.stride);
  const cpuStride = quarter(block.cpuStride);
  const { count, cpus } = block;
  const numbers = field.count;
  const column = field.cell;
  for (let entry = 0; entry < count; entry++) {
    const base = cellOf[first + entry]!;
    if (base < 0) continue;
    let word = start + entry * stride;
    for (let i = 0; i < numbers; i++, word += 2) {
      let low = 0;
      let high = 0;
      for (let cpu = 0, at = word; cpu < cpus; cpu++, at += cpuStride) {
        low += words[at]!;
        high += signed ? words[at + 1]! | 0 : words[at + 1]!;
      }
      cells[base + column + i]! += high * TWO_32 + low;
    }
  }
}

/** Rounded down. Shifting keeps V8's integers, but takes none above 2^31, and a per-CPU map may have more bytes. */
function quarter(bytes: number): number {
  return bytes < 2 ** 31 ? bytes >> 2 : Math.floor(bytes / 4);
}

function addNarrow(field: FieldPlan, block: ValueBlock, cells: Float64Array, cellOf: Int32Array, first: number): void {
  const view = new DataView(block.bytes.buffer, block.bytes.byteOffset, block.bytes.byteLength);
  const { size, read } = NUMBER_READERS[field.type];
  for (let entry = 0; entry < block.count; entry++) {
    const base = cellOf[first + entry]!;
    if (base < 0) continue;
    for (let i = 0; i < field.count; i++) {
      let sum = 0;
      for (let cpu = 0; cpu < block.cpus; cpu++) {
        sum += read(view, block.start + entry * block.stride + cpu * block.cpuStride + field.offset + i * size);
      }
      cells[base + field.cell + i]! += sum;
    }
  }
}

const NUMBER_READERS: Record<NumberType, { size: number; read: (view: DataView, offset: number) => number }> = {
  u8: { size: 1, read: (view, offset) => view.getUint8(offset) },
  i8: { size: 1, read: (view, offset) => view.getInt8(offset) },
  u16: { size: 2, read: (view, offset) => view.getUint16(offset, true) },
  i16: { size: 2, read: (view, offset) => view.getInt16(offset, true) },
  u32: { size: 4, read: (view, offset) => view.getUint32(offset, true) },
  i32: { size: 4, read: (view, offset) => view.getInt32(offset, true) },
  u64: { size: 8, read: (view, offset) => view.getUint32(offset + 4, true) * TWO_32 + view.getUint32(offset, true) },
  i64: { size: 8, read: (view, offset) => view.getInt32(offset + 4, true) * TWO_32 + view.getUint32(offset, true) },
};
