import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  limitError,
  nothingLeftError,
  unmatchedError,
  unmatchedProgram,
} from '../../../src/programs/without-c/unmatched-patterns.ts';

const at = { file: 'a.yaml', line: 3, column: 17, excerpt: "functions: ['vfs_raed']" };
const pattern = { text: 'vfs_raed', excludes: false, at };
const reason = 'there is none';

test('what is not found is told with its place and the nearest name', () => {
  const error = unmatchedError({ pattern, reason, known: ['vfs_write', 'vfs_read'] });
  assert.equal(error.message, 'a.yaml:3:17: "vfs_raed": there is none, did you mean "vfs_read"?');
  assert.equal(error.code, 'attach');
});

test('of names that are not near, none is told', () => {
  const known = Array.from({ length: 50_000 }, (_, i) => `some_other_function_${i}`);
  assert.equal(unmatchedError({ pattern, reason, known }).message, 'a.yaml:3:17: "vfs_raed": there is none');
  assert.equal(unmatchedError({ pattern, reason, known: [] }).message, 'a.yaml:3:17: "vfs_raed": there is none');
});

test('what is not found is not attached, under its own name', () => {
  const { bpfProgram, section, state, error } = unmatchedProgram('vfs', 'kprobe', { pattern, reason, known: [] });
  assert.deepEqual([bpfProgram, section, state], ['vfs:vfs_raed', 'kprobe/vfs_raed', 'failed']);
  assert.match(error!.message, /there is none$/);
});

test('more than the limit says how many there are, and what to do', () => {
  const excluded = { text: 'vfs_lock*', excludes: true, at };
  const error = limitError([{ ...pattern, text: 'vfs_*' }, excluded], 'functions', 123, 100);
  assert.equal(error.message, 'a.yaml:3:17: "vfs_*", "!vfs_lock*": 123 functions, more than the limit of 100');
  assert.equal(error.remedy, 'Name fewer of them, or set "limit: 123"');
});

test('nothing is left', () => {
  assert.equal(nothingLeftError('vfs').message, 'vfs: what its globs name is left out by those with "!"');
});
