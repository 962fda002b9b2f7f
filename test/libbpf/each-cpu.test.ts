import assert from 'node:assert/strict';
import { test } from 'node:test';
import { correctPossibleCpus, possibleCpus } from '../../src/kernel/cpus.ts';
import { EachCpu, type OnCpu } from '../../src/libbpf/each-cpu.ts';

/** A machine of four CPUs, that come and go. */
class Machine {
  readonly online = new Set<number>();
  readonly refused = new Set<number>();
  now = 0;
  readonly #open = new Set<{ readonly cpu: number; readonly since: number; until: number | undefined }>();

  constructor() {
    correctPossibleCpus(4);
    this.come(0);
  }

  /** Of what is open, the CPUs. */
  get open(): number[] {
    return [...this.#open].map(({ cpu }) => cpu).toSorted();
  }

  come(cpu: number): void {
    this.online.add(cpu);
  }

  /** What is open there stays so, and counts nothing any more, also when the CPU is back. */
  go(cpu: number): void {
    this.online.delete(cpu);
    for (const one of this.#open) if (one.cpu === cpu) one.until ??= this.now;
  }

  each(cpus?: readonly number[]): EachCpu<OnCpu> {
    return new EachCpu((cpu) => this.#openOn(cpu), { cpus, now: () => this.now });
  }

  #openOn(cpu: number): OnCpu | undefined {
    if (this.refused.has(cpu)) throw new Error(`CPU ${cpu}: EMFILE`);
    if (!this.online.has(cpu)) return undefined;
    const one = { cpu, since: this.now, until: undefined as number | undefined };
    this.#open.add(one);
    return {
      enabled: () => BigInt((one.until ?? this.now) - one.since) * 1_000_000n,
      [Symbol.dispose]: () => this.#open.delete(one),
    };
  }
}

const cpusOf = (each: EachCpu<OnCpu>) => [...each].map(([cpu]) => cpu).sort();

test('it is opened on all possible CPUs that are there, or on those that are wanted', () => {
  const machine = new Machine();
  machine.come(3);
  using all = machine.each();
  assert.deepEqual(cpusOf(all), [0, 3]);
  assert.equal(all.get(1), undefined);
  using some = machine.each([1, 3, 99]);
  assert.deepEqual(cpusOf(some), [3]);
  assert.deepEqual([all.unwatchedMs, some.unwatchedMs], [0, 0]);
});

test('one that comes is opened when it is noticed, and what it missed is told', () => {
  const machine = new Machine();
  using each = machine.each();
  machine.now = 1000;
  each.openMissing();
  machine.come(2);
  machine.now = 1700;
  each.openMissing();
  assert.deepEqual(cpusOf(each), [0, 2]);
  assert.equal(each.unwatchedMs, 700);
  machine.now = 5000;
  each.openMissing();
  assert.equal(each.unwatchedMs, 700);
});

test('one that went is closed once its time stands still, and what it missed until it is back is told', () => {
  const machine = new Machine();
  machine.come(1);
  using each = machine.each();
  machine.now = 100;
  each.follow();
  machine.now = 150;
  machine.go(1);
  machine.now = 200;
  each.follow();
  assert.deepEqual(cpusOf(each), [0, 1]);
  machine.now = 300;
  each.follow();
  assert.deepEqual([cpusOf(each), machine.open], [[0], [0]]);
  machine.come(1);
  machine.now = 350;
  each.openMissing();
  assert.deepEqual([cpusOf(each), each.unwatchedMs], [[0, 1], 50]);
});

test('one that went and came back meanwhile is opened anew, and what it missed since it went is told', () => {
  const machine = new Machine();
  machine.come(1);
  using each = machine.each();
  machine.now = 100;
  each.follow();
  machine.now = 130;
  machine.go(1);
  machine.come(1);
  machine.now = 200;
  each.follow();
  machine.now = 300;
  each.follow();
  assert.deepEqual([cpusOf(each), machine.open, each.unwatchedMs], [[0, 1], [0, 1], 170]);
  machine.now = 400;
  each.follow();
  assert.deepEqual([machine.open, each.unwatchedMs], [[0, 1], 170]);
});

test('one that says less than before is gone at once', () => {
  let enabled = 1_000_000n;
  let opened = 0;
  const open = () => {
    opened++;
    return { enabled: () => enabled, [Symbol.dispose]: () => opened-- };
  };
  using each = new EachCpu(open, { cpus: [0] });
  each.follow();
  enabled = -1n;
  each.follow();
  each.follow();
  assert.deepEqual([cpusOf(each), opened], [[0], 1]);
});

test('one that fails costs itself alone, and is tried again', () => {
  const machine = new Machine();
  using each = machine.each();
  machine.come(1);
  machine.come(2);
  machine.refused.add(1);
  assert.throws(() => each.openMissing(), { message: 'CPU 1: EMFILE' });
  assert.deepEqual(cpusOf(each), [0, 2]);
  machine.refused.clear();
  each.openMissing();
  assert.deepEqual(cpusOf(each), [0, 1, 2]);
});

test('one that fails at the start leaves nothing open; nothing is opened after the end', () => {
  const machine = new Machine();
  machine.come(3);
  machine.refused.add(3);
  assert.throws(() => machine.each(), { message: 'CPU 3: EMFILE' });
  assert.deepEqual(machine.open, []);
  machine.refused.clear();
  const each = machine.each();
  each[Symbol.dispose]();
  each.follow();
  assert.deepEqual([machine.open, cpusOf(each)], [[], []]);
});

test('the number of CPUs that the kernel has wins over the file', () => {
  correctPossibleCpus(4);
  assert.equal(correctPossibleCpus(4), undefined);
  const warning = correctPossibleCpus(7)!;
  assert.match(warning.message, /possible: names 4 CPUs, and the kernel has 7: those from 0 to 6 are read$/);
  assert.deepEqual(possibleCpus(), { count: 7, indexes: 7, numbers: [0, 1, 2, 3, 4, 5, 6] });
});
