import assert from 'node:assert/strict';
import { test } from 'node:test';
import { correctPossibleCpus, possibleCpus } from '../../src/kernel/cpus.ts';
import { EachCpu, type OnCpu } from '../../src/libbpf/each-cpu.ts';

/** A machine of four CPUs, that come and go. */
class Machine {
  readonly online = new Set<number>();
  readonly refused = new Set<number>();
  readonly open: number[] = [];
  now = 0;
  #clock = 0n;
  #generation = 0;
  readonly #since = new Map<number, number>();

  constructor() {
    correctPossibleCpus(4);
    this.come(0);
  }

  come(cpu: number): void {
    this.online.add(cpu);
    this.#since.set(cpu, ++this.#generation);
  }

  each(cpus?: readonly number[]): EachCpu<OnCpu> {
    return new EachCpu((cpu) => this.#open(cpu), { cpus, now: () => this.now });
  }

  #open(cpu: number): OnCpu | undefined {
    if (this.refused.has(cpu)) throw new Error(`CPU ${cpu}: EMFILE`);
    if (!this.online.has(cpu)) return undefined;
    this.open.push(cpu);
    const born = this.#since.get(cpu);
    let enabled = 0n;
    return {
      enabled: () => {
        // A CPU that went and came back has nothing of what was open on it.
        if (this.online.has(cpu) && this.#since.get(cpu) === born) enabled = ++this.#clock;
        return enabled;
      },
      [Symbol.dispose]: () => {
        this.open.splice(this.open.lastIndexOf(cpu), 1);
      },
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

test('one that went is closed; one that went and came back meanwhile is opened anew', () => {
  const machine = new Machine();
  machine.come(1);
  using each = machine.each();
  machine.now = 100;
  each.follow();
  assert.deepEqual(cpusOf(each), [0, 1]);
  machine.online.delete(1);
  machine.now = 200;
  each.follow();
  assert.deepEqual([cpusOf(each), machine.open], [[0], [0]]);
  machine.come(1);
  machine.now = 250;
  each.follow();
  assert.deepEqual([cpusOf(each), each.unwatchedMs], [[0, 1], 50]);

  machine.now = 300;
  each.follow();
  machine.come(1);
  machine.now = 330;
  each.follow();
  assert.deepEqual([cpusOf(each), each.unwatchedMs], [[0, 1], 80]);
  each.follow();
  assert.deepEqual(machine.open.toSorted(), [0, 1]);
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
