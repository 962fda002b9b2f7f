import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { createCgroups } from '../../../src/kernel/cgroups.ts';
import { watchCgroups } from '../../../src/programs/without-c/cgroup-events.ts';
import { cgroupMount } from './cgroup.ts';

test('cgroups that came and went between two readings have their names, and are gone', () => {
  const mount = cgroupMount();
  const folder = (i: number) => `${mount}/ebpf-meter-${process.pid}-${i}`;
  using events = watchCgroups();
  const cgroups = createCgroups({ events });
  cgroups.update();

  const ids = new Map<string, bigint>();
  for (let i = 0; i < 101; i++) {
    mkdirSync(`${folder(i)}/inner`, { recursive: true });
    for (const path of [folder(i), `${folder(i)}/inner`]) ids.set(path, statSync(path, { bigint: true }).ino);
    rmdirSync(`${folder(i)}/inner`);
    if (i > 0) rmdirSync(folder(i));
  }
  for (const [path, id] of ids) assert.equal(cgroups.path(id), path);
  const present = [...ids].filter(([, id]) => cgroups.goneFor(id) === undefined).map(([path]) => path);
  assert.deepEqual(present, [folder(0)]);

  rmdirSync(folder(0));
  cgroups.update();
  assert.notEqual(cgroups.goneFor(ids.get(folder(0))!), undefined);
  assert.equal(cgroups.path(ids.get(folder(0))!), folder(0));
});

test('more changes than there is room for are said to be lost, and the hierarchy tells what there is', () => {
  const mount = cgroupMount();
  using events = watchCgroups();
  const cgroups = createCgroups({ events });
  cgroups.update();
  const kept = `${mount}/ebpf-meter-${process.pid}-kept`;
  for (let i = 0; i < 4099; i++) {
    const folder = `${mount}/ebpf-meter-${process.pid}-many`;
    mkdirSync(folder);
    rmdirSync(folder);
  }
  mkdirSync(kept);
  try {
    assert.equal(cgroups.path(statSync(kept, { bigint: true }).ino), kept);
    assert.equal(events.take().lost, false);
  } finally {
    rmdirSync(kept);
  }
});
