import assert from 'node:assert/strict';
import { release } from 'node:os';
import { test } from 'node:test';
import { attachRawTracepoint } from '../../../src/libbpf/attach/raw-tracepoint.ts';
import { update } from '../../../src/libbpf/map.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { mapReaders } from '../../../src/maps/readers.ts';
import { mayNest } from '../../../src/programs/nesting.ts';
import { compileFixture } from '../../fixtures/compile.ts';
import { callGetppid } from '../../fixtures/plan.ts';
import { callGetppidInThreads, getppid } from './threads.ts';

const threads = 2;
const calls = 499_979;

/** Loads one BPF program of the fixture, with numbers in its map, and reads them when something was done. */
async function numbersAfter(
  program: string,
  tracepoints: readonly string[],
  start: readonly bigint[],
  act: () => void | Promise<void>,
  constants: Readonly<Record<string, number>> = {},
): Promise<readonly bigint[]> {
  using opened = OpenedObject.open(compileFixture('nesting'));
  opened.setAutoload(program, true);
  for (const [name, value] of Object.entries({ only_tgid: process.pid, only_call: getppid, ...constants })) {
    opened.setConstant(name, value);
  }
  using object = opened.load();
  for (const [i, value] of start.entries())
    update(object.map('numbers').fd, Uint32Array.of(i), BigUint64Array.of(value));
  {
    using links = new DisposableStack();
    for (const name of tracepoints) links.use(attachRawTracepoint(object.target(program), name));
    await act();
  }
  using readers = mapReaders(object);
  const read = readers.memory('numbers').read();
  return [...new BigUint64Array(read.buffer, read.byteOffset, 3)];
}

test('the kernel runs a program of a tracepoint in the midst of itself where it is taken to, and nowhere else', async () => {
  // What it runs within is attached last, and detached first.
  const tracepoints = ['bpf_trace_printk', 'sys_enter'];
  const [runs, nested] = await numbersAfter('nest', tracepoints, [], () => callGetppid(97), {
    only_thread: process.pid,
  });
  assert.ok(runs! >= 97n);
  assert.equal(nested, mayNest(release()) ? runs! / 2n : 0n);
});

test('nothing is lost of what is added to a number by who interrupts one another', async () => {
  const act = () => callGetppidInThreads(threads, calls);
  const [sum] = await numbersAfter('add', ['sys_enter'], [], act, { may_nest: 1 });
  assert.equal(sum, BigInt(threads * calls * 3));
});

test("a cache's place that another key took, after it was found empty, stays that key's", async () => {
  const claim = (place: bigint, key: bigint) =>
    numbersAfter('claim', ['sys_enter'], [place, key, 2n], () => callGetppid(1), { only_thread: process.pid });
  const [key, other] = [0x8_0000_0005n, 0xffff_ffff_8123_4567n] as const;
  assert.deepEqual(await claim(0n, key), [key, key, 1n]);
  assert.deepEqual(await claim(0n, other), [other, other, 1n]);
  assert.deepEqual(await claim(other, key), [other, key, 0n]);
  assert.deepEqual(await claim(key, other), [key, other, 0n]);
  // Both have the same: what interrupted has counted there, and this one counts behind it, which user space adds up.
  assert.deepEqual(await claim(key, key), [key, key, 0n]);
});
