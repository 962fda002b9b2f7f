import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseProgramFile } from '../../../src/config/program/file.ts';
import { resolveProgram } from '../../../src/config/resolve/program.ts';
import { Diagnostics } from '../../../src/config/yaml/diagnostic.ts';
import { possibleCpus } from '../../../src/kernel/cpus.ts';
import { createKernelFacts } from '../../../src/kernel/facts.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import type { GoneCgroups } from '../../../src/metrics/expiry.ts';
import { Store } from '../../../src/metrics/store.ts';
import { Tallies } from '../../../src/metrics/tallies.ts';
import { startProgram } from '../../../src/programs/start.ts';
import { throwErrors } from '../../helpers/throw-errors.ts';
import { type TestCgroup, testCgroup } from './cgroup.ts';

const root = join(import.meta.dirname, '../../..');
const cgroups = 97;

function start() {
  const path = join(root, 'config/programs/sched.yaml');
  const diagnostics = new Diagnostics();
  const file = parseProgramFile(readFileSync(path, 'utf8'), path, diagnostics)!;
  const opened = OpenedObject.open(join(root, 'build/programs/sched.bpf.o'));
  const options = { namespace: '', cpus: possibleCpus().indexes, metrics: ['sched.cgroup.runqueue.latency'] };
  const plan = resolveProgram(file, opened.layout(), options, diagnostics);
  throwErrors(diagnostics);
  return startProgram(plan!, opened);
}

/** Has a process run in it, and be gone. */
function use({ processes }: TestCgroup): void {
  assert.equal(spawnSync('sh', ['-c', `echo $$ > ${processes} && sleep 0`]).status, 0);
}

test('keys of cgroups that are gone leave the map and the caches, and a place that was left counts another from zero', async () => {
  const gone = new Set<bigint>();
  const knower: GoneCgroups = { update() {}, goneFor: (id) => (gone.has(id) ? 360_000 : undefined) };
  using running = start();
  const tallies = new Tallies();
  const store = new Store([running], { ...createKernelFacts(), cgroup: String }, tallies, knower);
  const series = async () => {
    const { tables, errors } = await store.read();
    assert.deepEqual(errors, []);
    const rows = tables[0]!;
    const counts = new Map<bigint, number>();
    for (let row = 0; row < rows.length; row++) {
      if (!rows.isUsed(row)) continue;
      const slots = rows.cells.subarray(row * rows.plan.width, (row + 1) * rows.plan.width - 1);
      counts.set(
        BigInt(String(rows.attributes(row).cgroup)),
        slots.reduce((a, b) => a + b),
      );
    }
    return counts;
  };

  using stack = new DisposableStack();
  const used = Array.from({ length: cgroups }, (_, i) => stack.use(testCgroup(`expiring-${i}`)));
  used.forEach(use);
  // More than there are places in a cache.
  assert.ok(running.readers.entries('sched_cgroup').read().count > 0);
  for (const { id } of used) gone.add(id);
  const before = await series();
  assert.equal(used.filter(({ id }) => before.get(id)! > 0).length, cgroups);
  assert.deepEqual([...tallies.expired()], [{ program: 'sched', map: 'sched_cgroup', count: cgroups }]);
  const after = await series();
  assert.ok(used.every(({ id }) => !after.has(id)));
  const others = [...before].filter(([id]) => !gone.has(id));
  assert.ok(others.every(([id, count]) => after.get(id)! >= count));

  gone.clear();
  // As many runs as the kernel says its two processes had, and those of their ends; a place that had kept what was there has more.
  const [again] = used;
  const own = 'cat /proc/self/schedstat';
  const script = `echo $$ > ${again!.processes} && ${own} && exec ${own}`;
  const { stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  const runs = [...stdout.matchAll(/ (\d+)$/gm)].reduce((sum, [, ran]) => sum + Number(ran), 0);
  const count = (await series()).get(again!.id)!;
  assert.ok(count > 0 && count < runs + 20, `${count} of ${runs}`);
});

test('a series that they share with others keeps what they counted', async () => {
  const gone = new Set<bigint>();
  const knower: GoneCgroups = { update() {}, goneFor: (id) => (gone.has(id) ? 360_000 : undefined) };
  using running = start();
  const tallies = new Tallies();
  const store = new Store([running], { ...createKernelFacts(), cgroup: () => 'a service' }, tallies, knower);
  const count = async () => {
    const [rows] = (await store.read()).tables;
    assert.equal(rows!.used, 1);
    return rows!.cells.subarray(0, rows!.plan.width - 1).reduce((a, b) => a + b);
  };
  using stack = new DisposableStack();
  const used = Array.from({ length: cgroups }, (_, i) => stack.use(testCgroup(`sharing-${i}`)));
  used.forEach(use);
  for (const { id } of used) gone.add(id);
  const before = await count();
  assert.deepEqual([...tallies.expired()], [{ program: 'sched', map: 'sched_cgroup', count: cgroups }]);
  // What else runs counts too, but less than so many shells did.
  assert.ok((await count()) >= before);
  assert.ok((await count()) >= before);
});
