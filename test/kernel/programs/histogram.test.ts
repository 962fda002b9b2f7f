import assert from 'node:assert/strict';
import { test } from 'node:test';
import { update } from '../../../src/libbpf/map.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { mapReaders } from '../../../src/maps/readers.ts';
import { compileFixture } from '../../fixtures/compile.ts';

const slots = 27;
const values = 1024;
const microsecond = 1000n;
const largest = 2n ** 64n - 1n;

/** By the definition rather than by bits: the first slot whose upper bound holds the number. */
function slotOf(number: bigint): number {
  for (let slot = 0; slot < slots - 1; slot++) if (number <= 2n ** BigInt(slot)) return slot;
  return slots - 1;
}

function roundedUp(number: bigint, divisor: bigint): bigint {
  return (number + divisor - 1n) / divisor;
}

/** Every power of two and its neighbours, a number of nanoseconds for every bound in microseconds and its neighbours. */
function edges(): bigint[] {
  const powers = Array.from({ length: 64 }, (_, i) => 2n ** BigInt(i));
  const around = (number: bigint) => [number - 1n, number, number + 1n];
  const bounds = powers.slice(0, slots).flatMap((power) => around(power * microsecond));
  const numbers = [0n, largest - 1n, largest, ...powers.flatMap(around), ...bounds];
  return [...new Set(numbers.filter((number) => number >= 0n && number <= largest))];
}

/** The slots that the C code puts numbers into: at most 1024 at a time. */
function slotsInKernel(numbers: readonly bigint[]): { plain: number; plainSum: bigint; ns: number; nsSum: bigint }[] {
  using opened = OpenedObject.open(compileFixture('slots'));
  opened.setConstant('only_thread', process.pid);
  using object = opened.load();
  for (const [i, number] of numbers.entries()) {
    update(object.map('numbers').fd, Uint32Array.of(i), BigUint64Array.of(number));
  }
  using readers = mapReaders(object);
  {
    using _link = object.attach('count_number');
    // Each is a system call.
    for (const _ of numbers) assert.ok(process.ppid > 0);
  }
  const read = readers.memory('histograms').read();
  const words = new BigUint64Array(read.buffer, read.byteOffset, read.length / 8);
  return numbers.map((_, i) => {
    const at = i * (slots + 1) * 2;
    const plain = words.subarray(at, at + slots);
    const ns = words.subarray(at + slots + 1, at + slots + 1 + slots);
    assert.equal(
      plain.reduce((sum, count) => sum + count),
      1n,
    );
    assert.equal(
      ns.reduce((sum, count) => sum + count),
      1n,
    );
    return {
      plain: plain.indexOf(1n),
      plainSum: words[at + slots]!,
      ns: ns.indexOf(1n),
      nsSum: words[at + 2 * slots + 1]!,
    };
  });
}

test('a number goes into the slot whose bounds hold it, at every edge', () => {
  const all = edges();
  for (let from = 0; from < all.length; from += values) {
    const numbers = all.slice(from, from + values);
    for (const [i, { plain, plainSum, ns, nsSum }] of slotsInKernel(numbers).entries()) {
      const number = numbers[i]!;
      assert.equal(plain, slotOf(number), `slot of ${number}`);
      assert.equal(plainSum, number);
      // A clock that went back a little between two times makes no difference of 584 years.
      const time = number < 2n ** 63n ? number : 0n;
      assert.equal(ns, slotOf(roundedUp(time, microsecond)), `slot of ${number} ns`);
      assert.equal(nsSum, time);
    }
  }
});

test('nanoseconds are rounded up to the next microsecond wherever that decides', () => {
  const random = Array.from({ length: values }, (_, i) => BigInt(i) * 7_919n * microsecond * 17n + BigInt(i % 3) - 1n);
  const numbers = random.map((number) => (number < 0n ? 0n : number));
  for (const [i, { ns }] of slotsInKernel(numbers).entries()) {
    assert.equal(ns, slotOf(roundedUp(numbers[i]!, microsecond)), `slot of ${numbers[i]} ns`);
  }
});
