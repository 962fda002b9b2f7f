import assert from 'node:assert/strict';
import { test } from 'node:test';
import { update } from '../../../src/libbpf/map.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { mapReaders } from '../../../src/maps/readers.ts';
import { compileFixture } from '../../fixtures/compile.ts';
import { resultsInKernel } from './steps.ts';
import { callGetppidInThreads, getppid } from './threads.ts';

const threads = 2;
const calls = 499_979;

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
    const results = resultsInKernel(
      'stamps',
      steps.map(([what, key, time]) => [key, what === 'put' ? time : 0]),
    );
    assert.deepEqual(results, expected);
  });
}

test('who finds another putting a stamp at the place gives way, and says so', () => {
  // Two stamps of three words each, and the writers.
  const writing = BigUint64Array.of(0n, 0n, 0n, 0n, 0n, 0n, 1n, 0n);
  const results = resultsInKernel(
    'stamps',
    [
      [a, 101],
      [a, 0],
    ],
    (object) => update(object.map('stamps').fd, Uint32Array.of(0), writing),
  );
  assert.deepEqual(results, [1, 0]);
});

test('a stamp that is lost since two CPUs put one at once is counted, and none has what is of the other', async () => {
  using opened = OpenedObject.open(compileFixture('stamps'));
  for (const { name } of opened.layout().programs) opened.setAutoload(name, name === 'race');
  opened.setConstant('only_tgid', process.pid);
  opened.setConstant('only_call', getppid);
  using object = opened.load();
  {
    using _link = object.attach('race');
    await callGetppidInThreads(threads, calls);
  }
  using readers = mapReaders(object);
  const read = readers.memory('races').read();
  const [put, lost, ended] = new BigUint64Array(read.buffer, read.byteOffset, 3);
  assert.equal(put, BigInt(threads * calls));
  assert.equal(lost! + ended!, put);
});
