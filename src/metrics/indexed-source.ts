import type { IndexedSource, TablePlan } from '../config/plan.ts';
import { EntryNumbers } from './entry-numbers.ts';
import type { ValueBlock } from './gather.ts';
import { dimensionCount, innermostRuns } from './indexes.ts';
import type { MapCache, TableSource } from './map-cache.ts';
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
  const starts = Int32Array.from({ length: elements }, (_, element) => element * width);
  const places = new Int32Array(elements).fill(UNSEEN);
  let now = new EntryNumbers(plan);
  let spare: EntryNumbers | undefined;
  let isFirst = true;

  function* blocks(bytes: Uint8Array): Generator<ValueBlock> {
    for (const { start, count, stride } of runs) {
      yield { bytes, start, count, stride, cpus: cpu ? maps.cpus : 1, cpuStride: cpu ? cpu.stride : 0 };
    }
  }

  /** Takes this reading's numbers, and answers the last one's where elements may be renamed. */
  const take = (table: Table): EntryNumbers | undefined => {
    const bytes = read();
    const isKept = !isFirst && table.namesMove;
    isFirst = false;
    const last = isKept ? now : undefined;
    if (isKept) [now, spare] = [spare ?? new EntryNumbers(plan), now];
    now.take(blocks(bytes), starts, elements);
    return last;
  };

  return {
    capacity: elements,
    *fill(table: Table, stretch: Stretch) {
      const last = take(table);
      const { numbers } = now;
      for (let element = 0; element < elements; element++) {
        const start = starts[element]!;
        if (places[element] !== UNSEEN || (!source.zeros && isZero(numbers, start, width))) continue;
        places[element] = table.acquire(keys, element * plan.keySize);
        if (stretch.step()) yield;
      }
      if (table.takeRenamed()) {
        const former = places.slice();
        for (let element = 0; element < elements; element++) {
          if (former[element] !== UNSEEN) places[element] = table.acquire(keys, element * plan.keySize);
        }
        for (let element = 0; element < elements; element++) {
          if (former[element] === UNSEEN) continue;
          table.move(former[element]!, places[element]!, last, starts[element]!);
        }
      }
      table.settle({ found: places, count: elements });
      table.clearCells();
      // Several indexes may decode to the same labels, so their numbers are added.
      table.addNumbers(now, starts, places, elements);
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
