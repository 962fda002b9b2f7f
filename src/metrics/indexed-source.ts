import type { IndexedSource, TablePlan } from '../config/plan.ts';
import { addField } from './gather.ts';
import { dimensionCount, innermostRuns } from './indexes.ts';
import type { MapCache, TableSource } from './source.ts';
import type { Stretch } from './stretch.ts';
import type { Table } from './table.ts';

/** Not decoded yet: the element was zero so far. */
const UNSEEN = -0x80000000;

/** Elements of a fixed array in memory: each index, or combination of them, is a row once it is not zero. */
export function indexedSource(plan: TablePlan, source: IndexedSource, maps: MapCache): TableSource {
  const read = maps.memory(source.memory.map);
  const labels = source.dimensions.filter((dimension) => !dimension.cpu);
  const cpu = source.dimensions.find((dimension) => dimension.cpu);
  const runs = innermostRuns(labels, source.memory.offset, maps.cpus);
  const counts = labels.map((dimension) => dimensionCount(dimension, maps.cpus));
  const elements = counts.reduce((product, count) => product * count, 1);
  const keys = indexKeys(counts, elements);
  const { width } = plan;
  const sums = new Float64Array(elements * width);
  const cellOf = Int32Array.from({ length: elements }, (_, element) => element * width);
  const places = new Int32Array(elements).fill(UNSEEN);

  return {
    capacity: elements,
    *fill(table: Table, stretch: Stretch) {
      const bytes = read();
      sums.fill(0);
      let first = 0;
      for (const { start, count, stride } of runs) {
        const block = { bytes, start, count, stride, cpus: cpu ? maps.cpus : 1, cpuStride: cpu ? cpu.stride : 0 };
        for (const field of plan.fields) addField(field, block, sums, cellOf, first);
        first += count;
      }
      for (let element = 0; element < elements; element++) {
        if (places[element] !== UNSEEN) continue;
        if (source.zeros || !isZero(sums, element * width, width)) {
          places[element] = table.acquire(keys, element * plan.keySize);
          if (stretch.step()) yield;
        }
      }
      if (table.takeRenamed()) {
        const former = places.slice();
        for (let element = 0; element < elements; element++) {
          if (former[element] !== UNSEEN) places[element] = table.acquire(keys, element * plan.keySize);
        }
        for (const place of former) table.release(place);
      }
      table.settle({ found: places, count: elements });
      table.clearCells();
      for (let element = 0; element < elements; element++) {
        const place = places[element]!;
        if (place < 0) continue;
        // Several indexes may decode to the same labels, so their numbers are added.
        for (let i = 0; i < width; i++) table.cells[place + i]! += sums[element * width + i]!;
      }
    },
  };
}

/** A u32 per dimension for every combination of indexes, the last dimension running fastest. */
function indexKeys(counts: readonly number[], elements: number): Uint8Array {
  const keys = new Uint32Array(elements * counts.length);
  for (let element = 0; element < elements; element++) {
    let rest = element;
    for (let dimension = counts.length - 1; dimension >= 0; dimension--) {
      keys[element * counts.length + dimension] = rest % counts[dimension]!;
      rest = Math.floor(rest / counts[dimension]!);
    }
  }
  return new Uint8Array(keys.buffer);
}

function isZero(numbers: Float64Array, start: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (numbers[start + i] !== 0) return false;
  return true;
}
