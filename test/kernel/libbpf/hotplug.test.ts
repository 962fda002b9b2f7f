import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, writeFileSync } from 'node:fs';
import { afterEach, suite, test } from 'node:test';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { openPerfBuffer } from '../../../src/libbpf/perf-buffer.ts';
import { enablePerfEvent, openPerfEventIfOnline, readEnabled } from '../../../src/libbpf/perf-event.ts';
import { entriesReader } from '../../../src/maps/readers.ts';
import { PerfGroups } from '../../../src/programs/without-c/perf-groups.ts';
import { compileFixture } from '../../fixtures/compile.ts';
import { callGetppid, getppid, wanted } from '../../fixtures/plan.ts';
import { onlineCpus } from '../../helpers/online-cpus.ts';

const skip = !existsSync('/run/vm/settings') && 'CPUs are taken from a VM of its own only';

/** The second CPU of a VM that has two. */
const second = '/sys/devices/system/cpu/cpu1/online';

function offline(): void {
  writeFileSync(second, '0');
  assert.deepEqual(onlineCpus().numbers, [0]);
}

function online(): void {
  writeFileSync(second, '1');
  assert.deepEqual(onlineCpus().numbers, [0, 1]);
}

function onSecond(work: () => void): void {
  const pin = (cpus: string) => execFileSync('taskset', ['-a', '-c', '-p', cpus, String(process.pid)]);
  pin('1');
  try {
    work();
  } finally {
    pin('0-1');
  }
}

suite('a CPU that goes and comes', { skip }, () => {
  afterEach(online);

  test('takes its events along, and gives them no time when it is back', () => {
    const clock = { type: 1, config: 0n, sampling: { frequency: 97n } };
    const fd = openPerfEventIfOnline('attach', 'test', clock, 1, undefined)!;
    using _fd = { [Symbol.dispose]: () => closeSync(fd) };
    enablePerfEvent('attach', 'test', fd);
    assert.ok(readEnabled('test', fd) > 0n);
    offline();
    assert.equal(openPerfEventIfOnline('attach', 'test', clock, 1, undefined), undefined);
    const stood = readEnabled('test', fd);
    online();
    onSecond(() => callGetppid(97));
    assert.equal(readEnabled('test', fd), stood);
  });

  test('is in perf events again', () => {
    offline();
    const opened: number[] = [];
    using groups = new PerfGroups('test', [{ type: 1, config: 0n }], (cpu) => opened.push(cpu));
    groups.enable();
    assert.deepEqual([opened, groups.read(1)], [[0], undefined]);
    online();
    groups.followCpus();
    assert.deepEqual(opened, [0, 1]);
    // Gone and back before anybody looks.
    offline();
    online();
    groups.followCpus();
    groups.followCpus();
    assert.deepEqual(opened, [0, 1, 1]);
    const before = groups.read(1)![3]!;
    onSecond(() => callGetppid(97));
    assert.ok(groups.read(1)![3]! > before);
    offline();
    groups.followCpus();
    groups.followCpus();
    assert.deepEqual(groups.cpus, [0]);
  });

  test('fills a perf event array again', () => {
    using opened = OpenedObject.open(compileFixture('exporter-records'));
    for (const [constant, value] of wanted(getppid)) opened.setConstant(constant, value);
    using object = opened.load();
    offline();
    using buffer = openPerfBuffer('test', object.map('getppid_marks_total').fd, 64);
    using _link = object.attach('write_records');
    const records = () => {
      let count = 0;
      assert.equal(
        buffer.consume(() => count++),
        0,
      );
      return count;
    };
    callGetppid(97);
    assert.equal(records(), 97);
    online();
    buffer.follow();
    onSecond(() => callGetppid(89));
    assert.equal(records(), 89);
    // What was written before it went is read after.
    onSecond(() => callGetppid(83));
    offline();
    callGetppid(79);
    assert.equal(records(), 83 + 79);
    online();
    buffer.follow();
    buffer.follow();
    onSecond(() => callGetppid(73));
    assert.equal(records(), 73);
  });

  test('is sampled again', () => {
    using opened = OpenedObject.open(compileFixture('perf-event'));
    opened.setConstant('wanted_pid', process.pid);
    offline();
    using object = opened.load();
    using link = object.attach('cpu_time');
    /** Of CPU 1. */
    const samples = () => {
      const { read, valueStride } = entriesReader(object.map('samples'));
      const { values } = read();
      return new BigUint64Array(values.buffer, values.byteOffset + valueStride, 2)[1]!;
    };
    /** Until it is sampled. */
    const spin = () => {
      const before = samples();
      const end = performance.now() + 60_000;
      onSecond(() => {
        while (samples() === before && performance.now() < end);
      });
      assert.ok(samples() > before);
    };
    online();
    link.follow!();
    spin();
    offline();
    online();
    link.follow!();
    link.follow!();
    spin();
  });
});
