import assert from 'node:assert/strict';
import type { LoadedObject } from '../../../src/libbpf/loaded.ts';
import { update } from '../../../src/libbpf/map.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { mapReaders } from '../../../src/maps/readers.ts';
import { compileFixture } from '../../fixtures/compile.ts';

/**
 * Has a fixture with test/fixtures/steps.h do steps of two or three numbers each, one per system call, with `do_step`; gives
 * the third that each leaves behind. What its maps hold before is `prepare`'s.
 */
export function resultsInKernel(
  fixture: string,
  steps: readonly (readonly [number, number, number?])[],
  prepare?: (object: LoadedObject) => void,
): number[] {
  using opened = OpenedObject.open(compileFixture(fixture));
  opened.setConstant('only_thread', process.pid);
  using object = opened.load();
  prepare?.(object);
  for (const [i, [first, second, third = 0]] of steps.entries()) {
    const words = BigUint64Array.of(BigInt(first), BigInt(second), BigInt(third));
    update(object.map('steps').fd, Uint32Array.of(i), words);
  }
  using readers = mapReaders(object);
  {
    using _link = object.attach('do_step');
    // Each is a system call.
    for (const _ of steps) assert.ok(process.ppid > 0);
  }
  const read = readers.memory('steps').read();
  const words = new BigUint64Array(read.buffer, read.byteOffset, read.length / 8);
  return steps.map((_, i) => Number(words[i * 3 + 2]));
}
