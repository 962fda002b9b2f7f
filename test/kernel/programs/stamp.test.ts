import assert from 'node:assert/strict';
import { test } from 'node:test';
import { update } from '../../../src/libbpf/map.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { mapReaders } from '../../../src/maps/readers.ts';
import { compileFixture } from '../../fixtures/compile.ts';

/** Keys that have the same place, as stamp_hash() makes it. */
const [a, b, c] = Array.from({ length: 16 }, (_, i) => i + 1).filter((key) => Math.imul(key, 0x9e3779b1) >= 0) as [
  number,
  number,
  number,
];

/** A time that is put by a key, or taken: 0 where it is gone. */
type Step = readonly ['put' | 'take', key: number, time: number, displaces?: 'displaces'];

for (const [name, steps] of Object.entries({
  'two keys of a place have a stamp each': [
    ['put', a, 101],
    ['put', b, 103],
    ['take', a, 101],
    ['take', b, 103],
    ['take', a, 0],
  ],
  'the third displaces the older one': [
    ['put', a, 103],
    ['put', b, 101],
    ['put', c, 107, 'displaces'],
    ['take', b, 0],
    ['take', a, 103],
    ['take', c, 107],
  ],
  'the third displaces the older one, when that is the first': [
    ['put', a, 101],
    ['put', b, 103],
    ['put', c, 107, 'displaces'],
    ['take', a, 0],
    ['take', b, 103],
    ['take', c, 107],
  ],
  'a key that is put again starts anew, wherever it was': [
    ['put', a, 101],
    ['put', b, 103],
    ['put', b, 109, 'displaces'],
    ['put', a, 107, 'displaces'],
    ['take', a, 107],
    ['take', b, 109],
  ],
  'a place that was left is taken before another is displaced': [
    ['put', a, 101],
    ['put', b, 103],
    ['take', a, 101],
    ['put', b, 109, 'displaces'],
    ['put', c, 107],
    ['take', b, 109],
    ['take', c, 107],
  ],
} satisfies Record<string, readonly Step[]>)) {
  test(name, () => {
    const expected = steps.map(([what, , time, displaces]) =>
      what === 'put' ? Number(displaces === 'displaces') : time,
    );
    assert.deepEqual(resultsInKernel(steps), expected);
  });
}

function resultsInKernel(steps: readonly Step[]): number[] {
  using opened = OpenedObject.open(compileFixture('stamps'));
  opened.setConstant('only_thread', process.pid);
  using object = opened.load();
  for (const [i, [what, key, time]] of steps.entries()) {
    update(
      object.map('steps').fd,
      Uint32Array.of(i),
      BigUint64Array.of(BigInt(key), what === 'put' ? BigInt(time) : 0n, 0n),
    );
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
