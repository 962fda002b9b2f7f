import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingOf } from '../../src/programs/map-definition.ts';
import { map } from '../config/resolve/types.ts';

for (const [type, key, value, entries, missing] of [
  ['hash', 4, 8, 1, []],
  ['hash', 0, 0, 0, ['key (or key_size)', 'value (or value_size)', 'max_entries']],
  ['percpu_array', 4, 8, 0, ['max_entries']],
  ['lru_hash', 4, 0, 1, ['value (or value_size)']],
  ['queue', 0, 8, 1, []],
  ['bloom_filter', 0, 0, 1, ['value (or value_size)']],
  ['ringbuf', 0, 0, 4096, []],
  ['ringbuf', 0, 0, 0, ['max_entries']],
  ['perf_event_array', 0, 0, 0, []],
  ['task_storage', 4, 8, 0, []],
] as const) {
  test(`${type} with ${key}, ${value} and ${entries} lacks ${missing.join(', ') || 'nothing'}`, () => {
    assert.deepEqual(missingOf(map('m', type, key, value, entries)), missing);
  });
}
