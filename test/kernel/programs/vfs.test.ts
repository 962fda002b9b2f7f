import assert from 'node:assert/strict';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasKprobes } from '../../../src/kernel/traceable-functions.ts';
import { syscallFunction } from '../generic/calls.ts';
import { count } from './counting.ts';

const skip = hasKprobes() ? false : 'this kernel has no kprobes';

test('operations on files are counted by function, with how long they take', { skip }, async () => {
  // Not where the temporary files are: an overlay file system calls the same function again of the one below it.
  const folder = mkdtempSync(join(import.meta.dirname, '../../../build/vfs-'));
  using vfs = count('vfs');
  const before = await vfs.numbers('vfs.calls');
  for (let i = 0; i < 13; i++) mkdirSync(join(folder, String(i)));
  for (let i = 0; i < 13; i++) rmdirSync(join(folder, String(i)));
  const file = openSync(join(folder, 'a'), 'w');
  for (let i = 0; i < 7; i++) {
    writeSync(file, 'x'.repeat(4096));
    fsyncSync(file);
  }
  closeSync(file);
  for (let i = 0; i < 4; i++) {
    renameSync(join(folder, 'a'), join(folder, 'b'));
    renameSync(join(folder, 'b'), join(folder, 'a'));
  }
  unlinkSync(join(folder, 'a'));
  rmdirSync(folder);

  const calls = await vfs.numbers('vfs.calls');
  const durations = await vfs.histograms('vfs.duration');
  const missed = await vfs.numbers('vfs.duration.missed');
  const expected = { vfs_mkdir: 13, [syscallFunction('fsync')]: 7, vfs_rename: 8, vfs_unlink: 1 };
  for (const [name, number] of Object.entries(expected)) {
    assert.equal(calls.get(name)! - before.get(name)!, number, name);
    assert.equal(durations.get(name)!.count, calls.get(name), name);
    assert.ok(durations.get(name)!.sum > 0, name);
    assert.equal(missed.get(name), 0, name);
  }
  assert.ok(calls.get('vfs_open')! - before.get('vfs_open')! >= 1);
  assert.ok(calls.get('vfs_write')! - before.get('vfs_write')! >= 7);
});

test('the calls alone are counted without probes at the returns', { skip }, () => {
  using vfs = count('vfs', { metrics: ['vfs.calls'] });
  assert.ok(!vfs.attached.some((name) => /return/.test(name)), String(vfs.attached));
});
