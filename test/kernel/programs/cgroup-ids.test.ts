import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createCgroups } from '../../../src/kernel/cgroups.ts';
import type { LoadedObject } from '../../../src/libbpf/loaded.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { mapReaders } from '../../../src/maps/readers.ts';
import { CgroupIds } from '../../../src/programs/cgroup-ids.ts';
import { compileFixture } from '../../fixtures/compile.ts';
import { callGetppid, getppid } from '../../fixtures/plan.ts';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import { cgroupMount } from './cgroup.ts';

const cgroups = 109;
const mount = cgroupMount();
const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))![1]!;

/** This process calls once from each of so many new cgroups; answers the ids of those whose names end with a. */
function callFromNewCgroups(): bigint[] {
  const ids: bigint[] = [];
  for (let i = 0; i < cgroups; i++) {
    for (const letter of ['a', 'c']) {
      const folder = `${mount}/ebpf-meter-${process.pid}-${i}-${letter}`;
      mkdirSync(folder);
      try {
        writeFileSync(`${folder}/cgroup.procs`, String(process.pid));
        callGetppid(1);
        writeFileSync(`${mount}${own}/cgroup.procs`, String(process.pid));
        if (letter === 'a') ids.push(statSync(folder, { bigint: true }).ino);
      } finally {
        rmdirSync(folder);
      }
    }
  }
  return ids;
}

function keysOf(object: LoadedObject, map: string): bigint[] {
  using readers = mapReaders(object);
  const { count, keys } = readers.entries(map).read();
  return Array.from({ length: count }, (_, i) => Buffer.from(keys).readBigUInt64LE(i * 8)).sort();
}

const types = [
  { type: 'hash', object: 'exporter-kernel', skip: false },
  {
    type: 'cgrp_storage',
    object: 'exporter-storage',
    skip: isKernelSince(6, 2) ? false : 'CGRP_STORAGE maps came with Linux 6.2',
  },
] as const;

for (const { type, object, skip } of types) {
  test(`a cgroup that matches is in a map of the type ${type} before its first process, and no other is`, {
    skip,
  }, () => {
    using opened = OpenedObject.open(compileFixture(object));
    opened.setConstant('wanted_call', getppid);
    using loaded = opened.load();
    using _ = loaded.attach('count_calls');
    const regexps = [`/ebpf-meter-${process.pid}-\\d+-[ab]$`];
    const map = 'wanted_cgroups';
    const names = createCgroups();
    names.update();
    // Nobody looks, and nothing but the kernel puts them in.
    using _early = new CgroupIds({ map, type, regexps }, loaded.map(map)).addEarly(names.folder());
    const ids = callFromNewCgroups();
    assert.deepEqual(keysOf(loaded, 'getppid_by_cgroup_total'), ids.sort());
    if (type === 'hash') assert.deepEqual(keysOf(loaded, map), [], 'those that are gone are still in it');
  });
}

test('patterns that the kernel can’t match are said to be so', () => {
  using opened = OpenedObject.open(compileFixture('exporter-kernel'));
  using loaded = opened.load();
  const map = 'wanted_cgroups';
  const ids = new CgroupIds({ map, type: 'hash', regexps: ['a.{20}$'] }, loaded.map(map));
  assert.throws(() => ids.addEarly('/sys/fs/cgroup'), {
    code: 'object',
    message: 'map wanted_cgroups: new cgroups: the regexps are too large to be matched in the kernel',
  });
});
