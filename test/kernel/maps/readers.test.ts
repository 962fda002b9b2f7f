import assert from 'node:assert/strict';
import { test } from 'node:test';
import { updateBatch } from '../../../bench/update-batch.ts';
import { possibleCpus } from '../../../src/kernel/cpus.ts';
import type { LoadedObject } from '../../../src/libbpf/loaded.ts';
import { remove, removeBatch, update } from '../../../src/libbpf/map.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { batchReader } from '../../../src/maps/batch.ts';
import { elementsReader } from '../../../src/maps/elements.ts';
import { entriesReader, mapReaders } from '../../../src/maps/readers.ts';
import type { Entries, EntriesReader } from '../../../src/maps/reading.ts';
import { shapeOf } from '../../../src/maps/shape.ts';
import { compileFixture } from '../../fixtures/compile.ts';
import { bpf, callGetppid, getppid, wanted } from '../../fixtures/plan.ts';

/** A prime, so that no rounding and no lost chunk comes out right by chance. */
const events = 997;
const keys = 5;
const cpus = possibleCpus();

/** Event i has the key i % 5 and adds 1 to the count and i to the sum. */
const expectedCounts = [200, 200, 199, 199, 199];
const expectedSums = [0, 1, 2, 3, 4].map((key) => {
  let sum = 0;
  for (let event = key; event < events; event += keys) sum += event;
  return sum;
});

function load(name: string, call: number, prepare: (object: OpenedObject) => void = () => {}): LoadedObject {
  using object = OpenedObject.open(compileFixture(name));
  for (const [constant, value] of wanted(call)) object.setConstant(constant, value);
  prepare(object);
  return object.load();
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Sums the numbers at an offset of the values over the CPUs, by the u32 that keys begin with, or an LPM_TRIE's address. */
function sums(reader: EntriesReader, entries: Entries, offset: number, size: 4 | 8): number[] {
  const result: number[] = [];
  for (let index = 0; index < entries.count; index++) {
    const number = index * reader.keySize + (reader.map === 'lpm_trie' ? 4 : 0);
    const key = view(entries.keys).getUint32(number, true);
    assert.equal(result[key], undefined, `key ${key} came twice`);
    let sum = 0;
    for (let cpu = 0; cpu < reader.cpus; cpu++) {
      const at = index * reader.valueStride + cpu * reader.valueSize + offset;
      const values = view(entries.values);
      sum += size === 8 ? Number(values.getBigUint64(at, true)) : values.getUint32(at, true);
    }
    result[key] = sum;
  }
  return result;
}

function counted(): LoadedObject {
  const object = load('every-map', getppid, (opened) => opened.setMaxEntries('by_cpu', cpus.indexes));
  {
    using _link = object.attach('count_all');
    callGetppid(events);
  }
  // Detached: these are not counted.
  callGetppid(3);
  return object;
}

for (const [map, numberSize, valueStride, sumOffset] of [
  ['hash', 8, 16, 8],
  ['percpu_hash', 8, 16 * cpus.count, 8],
  ['lru_hash', 8, 16, 8],
  ['lru_percpu_hash', 8, 16 * cpus.count, 8],
  ['lpm_trie', 8, 16, 8],
  ['array', 8, 16, 8],
  ['percpu_array', 4, 8 * cpus.count, undefined],
  ['odd_array', 4, 12, 4],
  ['mmapable_array', 4, 12, 4],
] as const) {
  test(`${map}: every event is counted once, read as the kernel can best and key by key`, () => {
    using object = counted();
    using readers = mapReaders(object);
    const reader = readers.entries(map);
    assert.equal(reader.valueStride, valueStride);
    const kernelMap = object.map(map);
    const shape = shapeOf(kernelMap);
    for (const read of [reader.read, elementsReader(kernelMap, shape)]) {
      const entries = read();
      assert.equal(entries.count, keys);
      assert.equal(entries.keys.length, keys * reader.keySize);
      assert.equal(entries.values.length, keys * valueStride);
      assert.equal(entries.values.byteOffset % 8, 0);
      assert.deepEqual(sums(reader, entries, 0, numberSize), expectedCounts);
      if (sumOffset !== undefined) assert.deepEqual(sums(reader, entries, sumOffset, numberSize), expectedSums);
    }
  });
}

for (const [map, stride, numberSize] of [
  ['array', 16, 8],
  ['odd_array', 16, 4],
  ['mmapable_array', 16, 4],
] as const) {
  test(`the memory of ${map}: elements rounded up to 8 bytes`, () => {
    using object = counted();
    using readers = mapReaders(object);
    const memory = readers.memory(map);
    assert.equal(memory.size, keys * stride);
    const bytes = view(memory.read());
    assert.equal(bytes.byteLength, memory.size);
    const numbers = Array.from({ length: keys }, (_, key) => {
      return numberSize === 8 ? Number(bytes.getBigUint64(key * stride, true)) : bytes.getUint32(key * stride, true);
    });
    assert.deepEqual(numbers, expectedCounts);
  });
}

test('an array whose index is the CPU, and .bss, from their memory', () => {
  using object = counted();
  using readers = mapReaders(object);
  const words = (map: string): number[] => {
    const bytes = readers.memory(map).read();
    return [...new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)].map(Number);
  };
  const byCpu = words('by_cpu');
  assert.equal(byCpu.length, keys * cpus.indexes);
  const summed = expectedCounts.map((_, key) => {
    return Array.from({ length: cpus.indexes }, (_, cpu) => byCpu[cpu * keys + key] ?? 0).reduce((a, b) => a + b);
  });
  assert.deepEqual(summed, expectedCounts);
  const variables = object.layout().variables.filter(({ section }) => section === '.bss');
  const place = (name: string): number => (variables.find((variable) => variable.name === name)?.offset ?? -8) / 8;
  const bss = words('.bss');
  assert.equal(bss[place('events')], events);
  assert.deepEqual(bss.slice(place('counts'), place('counts') + keys), expectedCounts);
});

test('memory that is read after its program was closed is an error, not the end of the process', () => {
  using object = load('every-map', getppid);
  const readers = mapReaders(object);
  const memory = readers.memory('.bss');
  memory.read();
  readers[Symbol.dispose]();
  assert.throws(() => memory.read(), { code: 'map', message: 'map .bss: read after its program was closed' });
});

test('memory is read anew each time, into the same buffer', () => {
  using object = load('every-map', getppid);
  using readers = mapReaders(object);
  using _link = object.attach('count_all');
  const { offset } = object.layout().variables.find(({ name }) => name === 'events') ?? { offset: -1 };
  const memory = readers.memory('.bss');
  const first = memory.read();
  assert.equal(view(first).getBigUint64(offset, true), 0n);
  callGetppid(23);
  assert.equal(view(first).getBigUint64(offset, true), 0n, 'the copy does not change by itself');
  assert.equal(memory.read(), first);
  assert.equal(view(first).getBigUint64(offset, true), 23n);
});

test('the same reader is given again, and a steady map gives the same entries object', () => {
  using object = counted();
  using readers = mapReaders(object);
  assert.equal(readers.cpus, cpus.indexes);
  assert.equal(readers.memory('array'), readers.memory('array'));
  const reader = readers.entries('hash');
  assert.equal(readers.entries('hash'), reader);
  assert.equal(reader.maxEntries, 16);
  assert.equal(reader.read(), reader.read());
});

for (const count of [1, 4095, 4096, 4097, 100_003]) {
  test(`${count} entries come over several batches, each once`, () => {
    using object = load('sizes', getppid);
    const map = object.map('large');
    const names = new BigUint64Array(count * 4);
    const values = new BigUint64Array(count);
    for (let index = 0; index < count; index++) {
      names[index * 4] = BigInt(index);
      values[index] = BigInt(index * 3);
    }
    updateBatch(map.fd, names, values, count);
    const reader = entriesReader(map);
    for (let reading = 0; reading < 2; reading++) {
      const entries = reader.read();
      assert.equal(entries.count, count);
      const gotKeys = new BigUint64Array(entries.keys.buffer, 0, count * 4);
      const gotValues = new BigUint64Array(entries.values.buffer, 0, count);
      const seen = new Uint8Array(count);
      for (let index = 0; index < count; index++) {
        const key = Number(gotKeys[index * 4]);
        assert.equal(Number(gotValues[index]), key * 3);
        seen[key] = (seen[key] ?? 0) + 1;
      }
      assert.ok(seen.every((times) => times === 1));
    }
  });
}

test('an array of 10,007 elements comes in the order of its indexes', () => {
  using object = load('sizes', getppid);
  const map = object.map('large_array');
  const indexes = Uint32Array.from({ length: map.maxEntries }, (_, index) => index);
  updateBatch(
    map.fd,
    indexes,
    BigUint64Array.from(indexes, (index) => BigInt(index) * 7n),
    map.maxEntries,
  );
  const entries = entriesReader(map).read();
  assert.equal(entries.count, map.maxEntries);
  assert.deepEqual(new Uint32Array(entries.keys.buffer, 0, map.maxEntries), indexes);
  assert.ok(
    new BigUint64Array(entries.values.buffer, 0, map.maxEntries).every((value, index) => value === BigInt(index) * 7n),
  );
});

test('buckets with more entries than a batch makes room for (ENOSPC)', () => {
  using object = load('sizes', getppid, (opened) => opened.setMaxEntries('small', 64));
  const map = object.map('small');
  const names = Uint32Array.from({ length: 64 }, (_, index) => index);
  updateBatch(map.fd, names, BigUint64Array.from(names, BigInt), 64);
  // 64 keys in 64 buckets: some bucket has two, and a batch of one has no room for it.
  const read = batchReader({ ...map, maxEntries: 1 }, shapeOf(map));
  for (let reading = 0; reading < 2; reading++) {
    const { count, keys: found } = read();
    assert.equal(count, 64);
    assert.deepEqual(
      [...new Uint32Array(found.slice().buffer)].sort((a, b) => a - b),
      [...names],
    );
  }
});

test('a map that is emptied, filled and emptied again', () => {
  using object = load('sizes', getppid);
  const map = object.map('small');
  for (const read of [entriesReader(map).read, elementsReader(map, shapeOf(map))]) {
    assert.equal(read().count, 0);
    updateBatch(map.fd, Uint32Array.of(1, 2, 3), BigUint64Array.of(1n, 2n, 3n), 3);
    assert.equal(read().count, 3);
    assert.equal(remove(map.fd, Uint32Array.of(2)), true);
    assert.equal(remove(map.fd, Uint32Array.of(2)), false);
    assert.deepEqual([...new Uint32Array(read().keys.slice().buffer)].sort(), [1, 3]);
    removeBatch(map.fd, Uint32Array.of(1, 3), 2);
    assert.equal(read().count, 0);
  }
});

for (const way of ['batch', 'elements'] as const) {
  test(`keys that come and go under the reader (${way}): none twice, and those that stay are all there`, () => {
    using object = load('churn', bpf, (opened) => opened.setConstant('every', way === 'batch' ? 1 : 13));
    const map = object.map('churned');
    const steady = Uint32Array.from({ length: 16 }, (_, index) => 1000 + index);
    updateBatch(map.fd, steady, BigUint64Array.from(steady, BigInt), steady.length);
    using _link = object.attach('churn');
    // Batches of a few, so that there are system calls in between at which keys change.
    const few = { ...map, maxEntries: way === 'batch' ? 3 : map.maxEntries };
    const read = way === 'batch' ? batchReader(few, shapeOf(map)) : elementsReader(map, shapeOf(map));
    for (let reading = 0; reading < 200; reading++) {
      const { count, keys: found } = read();
      const names = [...new Uint32Array(found.slice().buffer)];
      assert.equal(names.length, count);
      assert.equal(new Set(names).size, count, `a key came twice: ${names}`);
      assert.deepEqual(names.filter((key) => key >= 1000).sort(), [...steady]);
      assert.ok(
        names.every((key) => key < 8 || key >= 1000),
        `${names}`,
      );
    }
    using readers = mapReaders(object);
    const turns = object.layout().variables.find(({ name }) => name === 'turns')?.offset ?? -1;
    assert.ok(view(readers.memory('.bss').read()).getUint32(turns, true) > 200);
  });
}

for (const every of [7, 11, 17]) {
  test(`all keys are removed and added again in turns, one turn every ${every} calls: none comes twice`, () => {
    using object = load('churn', bpf, (opened) => opened.setConstant('every', every));
    const map = object.map('churned');
    using _link = object.attach('churn');
    const read = elementsReader(map, shapeOf(map));
    for (let reading = 0; reading < 200; reading++) {
      const { count, keys: found } = read();
      const names = [...new Uint32Array(found.slice().buffer)];
      assert.equal(new Set(names).size, count, `a key came twice: ${names}`);
      assert.ok(count <= 8 && names.every((key) => key < 8), `${names}`);
    }
  });
}

test('a map without batches is read key by key', () => {
  using object = load('churn', getppid);
  const map = object.map('devices');
  // Interface 1 is lo, and a device map takes only what exists.
  for (const key of [0, 5, 7]) update(map.fd, Uint32Array.of(key), Uint32Array.of(1));
  const reader = entriesReader({ ...map, type: 'hash' });
  for (let reading = 0; reading < 2; reading++) {
    const { count, keys: found, values } = reader.read();
    assert.equal(count, 3);
    assert.deepEqual([...new Uint32Array(found.slice().buffer)].sort(), [0, 5, 7]);
    assert.deepEqual([...new Uint32Array(values.slice().buffer)], [1, 1, 1]);
  }
});

test('maps that cannot be read, and maps that are not there', () => {
  using object = load('churn', getppid);
  using readers = mapReaders(object);
  assert.throws(() => readers.entries('devices'), {
    code: 'map',
    message: 'map devices: maps of type "devmap_hash" can\'t be read',
    remedy: /^Use one of hash, percpu_hash/,
  });
  assert.throws(() => readers.memory('churned'), { code: 'map', message: /map churned: is a hash/ });
  assert.throws(() => readers.entries('nothing'), { code: 'map', message: /map "nothing": not in the object/ });
  assert.throws(() => readers.memory('.bss.none'), { code: 'map', message: /"\.bss\.none": not in the object/ });
});

test('a kernel that refuses makes an error that names the map', () => {
  using object = load('sizes', getppid);
  const gone = { ...object.map('small'), fd: 9999 };
  assert.throws(entriesReader(gone).read, { code: 'map', message: /^map small: EBADF \(bad file descriptor\)$/ });
  assert.throws(elementsReader(gone, shapeOf(gone)), { code: 'map', message: /^map small: EBADF/ });
  const array = { ...object.map('large_array'), fd: 9999, maxEntries: 2 };
  assert.throws(elementsReader(array, shapeOf(array)), { code: 'map', message: /^map large_array: EBADF/ });
});

test('a full map refuses another key', () => {
  using object = load('sizes', getppid, (opened) => opened.setMaxEntries('small', 2));
  const { fd } = object.map('small');
  assert.throws(() => updateBatch(fd, Uint32Array.of(1, 2, 3), BigUint64Array.of(1n, 2n, 3n), 3), {
    code: 'map',
    message: /E2BIG/,
  });
});
