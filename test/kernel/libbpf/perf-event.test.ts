import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { hasPmu } from '../../../src/kernel/pmu.ts';
import type { LoadedObject } from '../../../src/libbpf/loaded.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { entriesReader } from '../../../src/maps/readers.ts';
import { compileFixture } from '../../fixtures/compile.ts';
import { onlineCpus } from '../../helpers/online-cpus.ts';
import { betweenStops } from '../programs/stopping.ts';

function load(pid: number): LoadedObject {
  using object = OpenedObject.open(compileFixture('perf-event'));
  object.setConstant('wanted_pid', pid);
  object.setAutoload('instructions', true);
  return object.load();
}

/** Of each section, all CPUs' samples. */
function samples(object: LoadedObject): number[] {
  const { read, valueStride } = entriesReader(object.map('samples'));
  const { count, values } = read();
  return Array.from({ length: count }, (_, entry) => {
    const cpus = new BigUint64Array(values.buffer, values.byteOffset + entry * valueStride, valueStride / 8);
    return Number(cpus.reduce((sum, one) => sum + one, 0n));
  });
}

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

test('a period of one gives every event, here page faults', async () => {
  const counted = await betweenStops(
    'pages',
    97,
    (pid) => {
      const object = load(pid);
      const link = object.attach('page_fault');
      return {
        object,
        [Symbol.dispose]() {
          link[Symbol.dispose]();
          object[Symbol.dispose]();
        },
      };
    },
    async ({ object }) => samples(object),
  );
  assert.deepEqual(counted, [97, 0, 0]);
});

test('a frequency gives samples until the link is disposed, which closes each CPU’s event', () => {
  using object = load(process.pid);
  const files = openFiles();
  const link = object.attach('cpu_time');
  assert.ok(openFiles() >= files + onlineCpus().count);
  while (samples(object)[1] === 0);
  link[Symbol.dispose]();
  assert.equal(openFiles(), files);
  const end = samples(object);
  for (const stop = performance.now() + 20; performance.now() < stop; );
  assert.deepEqual(samples(object), end);
});

test('without a PMU an event of the hardware is said not to be there', () => {
  using object = load(process.pid);
  const files = openFiles();
  if (hasPmu()) {
    using _link = object.attach('instructions');
    while (samples(object)[2] === 0);
    return;
  }
  assert.throws(() => object.attach('instructions'), {
    code: 'attach',
    message:
      /program instructions: (ENOENT|EOPNOTSUPP) \(.*\): no PMU counts this event: hardware events aren't there on this machine$/,
  });
  assert.equal(openFiles(), files);
});
