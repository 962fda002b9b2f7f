import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeterError } from '../../src/errors.ts';
import type { LoadedObject } from '../../src/libbpf/loaded.ts';
import { filledReaders } from '../../src/maps/filled.ts';
import { FakeMap, FakeMemory, fakeReaders } from '../helpers/fake-maps.ts';

/** Nothing of an object is needed where nothing is emptied. */
const object = {} as LoadedObject;
const filled = (map: string, program = 'dump') => ({ map, program, emptied: false });

function make(programs: readonly string[], iterate: (program: string) => void) {
  const maps = ['one', 'two', 'other', 'unfilled'].map((name) => new FakeMap(name, 4, 8));
  const [one] = maps;
  const fake = fakeReaders([...maps, new FakeMemory('.bss', 8)]);
  const readers = filledReaders(
    { ...fake, [Symbol.dispose]() {} },
    object,
    [filled('one'), filled('two'), filled('.bss'), filled('other', 'dump_other')],
    new Map(programs.map((program) => [program, () => iterate(program)])),
  );
  return { readers, one: one! };
}

test('an iterator is run once per reading, before the first of its maps is read', () => {
  const runs: string[] = [];
  const { readers, one } = make(['dump', 'dump_other'], (program) => {
    runs.push(program);
    one.set([runs.length], [1]);
  });
  const entries = readers.entries('one');
  assert.equal(readers.entries('one'), entries);
  for (const expected of [1, 2]) {
    readers.begin!();
    assert.equal(entries.read().count, expected);
    readers.entries('two').read();
    readers.memory('.bss').read();
    readers.entries('unfilled').read();
    assert.equal(entries.read().count, expected);
  }
  assert.deepEqual(runs, ['dump', 'dump']);
  readers.entries('other').read();
  assert.deepEqual(runs, ['dump', 'dump', 'dump_other']);
});

test('what fails fails all of its maps until the next reading, and no others', () => {
  let fails = true;
  const { readers } = make(['dump', 'dump_other'], (program) => {
    if (program === 'dump' && fails) throw new MeterError('map', 'dump: EPERM');
  });
  readers.begin!();
  for (const map of ['one', 'two', 'one']) assert.throws(() => readers.entries(map).read(), { message: 'dump: EPERM' });
  assert.equal(readers.entries('other').read().count, 0);
  fails = false;
  assert.throws(() => readers.entries('one').read());
  readers.begin!();
  assert.equal(readers.entries('one').read().count, 0);
});

test('what no attached iterator fills is read as it is', () => {
  const { readers, one } = make([], () => {});
  one.set([7], [1]);
  readers.begin!();
  assert.equal(readers.entries('one').read().count, 1);
});

test('iterators that no map is filled by are run before each reading of the others', () => {
  const runs: string[] = [];
  const { readers } = make(['dump', 'unnamed', 'too'], (program) => runs.push(program));
  const entries = readers.entries('unfilled');
  for (let reading = 0; reading < 2; reading++) {
    readers.begin!();
    readers.entries('one').read();
    entries.read();
    readers.entries('unfilled').read();
  }
  assert.deepEqual(runs, ['dump', 'unnamed', 'too', 'dump', 'unnamed', 'too']);
});
