import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { possibleCpus } from '../../../src/kernel/cpus.ts';
import { createHooks } from '../../../src/kernel/hooks.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { mapReaders } from '../../../src/maps/readers.ts';
import { sizeForCpus, widenTables } from '../../../src/programs/percpu.ts';
import { callGetppid } from '../../fixtures/plan.ts';
import { noVariables } from '../../helpers/kernel-symbols.ts';

const path = join(import.meta.dirname, '../../../build/programs/syscall.bpf.o');
const cpus = possibleCpus().indexes;
const bytesPerCpu = 4096;
/** On x86-64 and arm64. */
const getppid = process.arch === 'arm64' ? 173 : 110;
const tables = ['syscall_calls', 'syscall_errors_cache', 'syscall_errors_lost'];

/** Has this process call getppid so often, and reads what all CPUs counted of it, as well as how large the table is. */
function countIn(opened: OpenedObject, calls: number) {
  opened.setConstant('only_tgid', process.pid);
  using object = opened.load();
  const { valueSize, maxEntries } = object.map('syscall_calls');
  {
    using _link = object.attach('sys_exit');
    callGetppid(calls);
  }
  using readers = mapReaders(object);
  const read = readers.memory('syscall_calls').read();
  const words = new BigUint64Array(read.buffer, read.byteOffset, read.length / 8);
  const perCpu = Array.from({ length: cpus }, (_, cpu) => Number(words[(cpu * bytesPerCpu) / 8 + getppid]));
  return { valueSize, maxEntries, bytes: read.length, calls: perCpu.reduce((sum, count) => sum + count) };
}

test('a wide table counts the same, at the same places, as one with an element per CPU', () => {
  const files = readdirSync('/proc/self/fd').length;
  {
    using opened = OpenedObject.open(path);
    assert.deepEqual([...widenTables(opened, new Set(), cpus)].sort(), tables);
    const counted = countIn(opened, 997);
    assert.deepEqual(counted, { valueSize: bytesPerCpu * cpus, maxEntries: 1, bytes: bytesPerCpu * cpus, calls: 997 });
  }
  {
    using opened = OpenedObject.open(path);
    for (const table of tables) sizeForCpus(opened, table, cpus);
    const counted = countIn(opened, 997);
    assert.deepEqual(counted, { valueSize: bytesPerCpu, maxEntries: cpus, bytes: bytesPerCpu * cpus, calls: 997 });
  }
  assert.equal(readdirSync('/proc/self/fd').length, files);
});

test('tables stay as they are where an element would be larger than a kernel may take', () => {
  const largest = (4 << 20) / bytesPerCpu;
  using opened = OpenedObject.open(path);
  assert.deepEqual([...widenTables(opened, new Set(), largest + 1)], []);
  // Still one element each, so that they can be made longer, and the program looks for its CPU's.
  for (const table of tables) sizeForCpus(opened, table, cpus);
  assert.equal(countIn(opened, 97).calls, 97);
  using atMost = OpenedObject.open(path);
  assert.deepEqual([...widenTables(atMost, new Set(), largest)].sort(), tables);
});

const objects = join(import.meta.dirname, '../../../build/programs');

for (const file of readdirSync(objects).filter((name) => name.endsWith('.bpf.o'))) {
  test(`the verifier takes the programs of ${file} with an element per CPU, as on machines of very many`, () => {
    using opened = OpenedObject.open(join(objects, file));
    using hooks = createHooks();
    for (const { name, section } of opened.layout().programs) {
      // These are loaded where the kernel has no such function too.
      const isProbe = /^k(ret)?probe\//.test(section);
      const isThere = section.startsWith('tp_btf/') && hooks.tell(section).state === 'there';
      const isSeen = !(noVariables && name === 'softirq_raise');
      opened.setAutoload(name, isProbe || (isThere && isSeen));
    }
    using object = opened.load();
    assert.ok(object);
  });
}

test('a table that is not made is not widened', () => {
  using opened = OpenedObject.open(path);
  const skipped = new Set(['syscall_errors_cache', 'syscall_errors_lost']);
  assert.deepEqual([...widenTables(opened, skipped, cpus)], ['syscall_calls']);
});
