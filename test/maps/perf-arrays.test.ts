import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PerfArrayPlan } from '../../src/config/plan.ts';
import { RecordCounter } from '../../src/maps/perf-arrays.ts';

const plan: PerfArrayPlan = { map: 'm', recordBytes: 2, keySize: 2, limit: 3 };

/** Buffers that hold these records when they are looked at, and have lost so many. */
function counter(batches: readonly { records: readonly string[]; lost?: number }[], more: Partial<PerfArrayPlan> = {}) {
  const rest = [...batches];
  const clock = { now: 0 };
  const buffer = {
    consume(onRecord: (record: Buffer) => void) {
      const { records = [], lost = 0 } = rest.shift() ?? {};
      for (const record of records) onRecord(Buffer.from(record, 'hex'));
      return lost;
    },
  };
  return { counter: new RecordCounter({ ...plan, ...more }, buffer, () => clock.now), clock };
}

function entries(one: RecordCounter): [string, bigint][] {
  const { count, keys, values } = one.read();
  const numbers = new BigUint64Array(
    values.buffer.slice(values.byteOffset, values.byteOffset + count * 8) as ArrayBuffer,
  );
  return Array.from({ length: count }, (_, entry) => {
    return [
      Buffer.from(keys.subarray(entry * one.keySize, (entry + 1) * one.keySize)).toString('hex'),
      numbers[entry]!,
    ];
  });
}

function losses(one: RecordCounter): Record<string, number> {
  return Object.fromEntries([...one.losses()].map(({ reason, count }) => [reason, count]));
}

test('records are counted by their first bytes, whatever pads them', () => {
  const { counter: one } = counter([{ records: ['0102ffff', '0102', '0103000000000000'] }, { records: ['0102'] }]);
  one.consume();
  assert.deepEqual(entries(one), [
    ['0102', 2n],
    ['0103', 1n],
  ]);
  one.consume();
  assert.deepEqual(entries(one), [
    ['0102', 3n],
    ['0103', 1n],
  ]);
  assert.deepEqual(losses(one), { buffer_full: 0, map_full: 0, short_record: 0 });
});

test('what is lost, too short or of one key too many is told apart', () => {
  const { counter: one } = counter([
    { records: ['01', '', '0001', '0002', '0003', '0004', '0005', '0001'], lost: 7 },
    { records: [], lost: 4 },
  ]);
  one.consume();
  one.consume();
  assert.deepEqual(entries(one), [
    ['0001', 2n],
    ['0002', 1n],
    ['0003', 1n],
  ]);
  assert.deepEqual(losses(one), { buffer_full: 11, map_full: 2, short_record: 2 });
});

test('without labels every record counts under four zero bytes', () => {
  const { counter: one } = counter([{ records: ['', '01', '02'] }], { recordBytes: 0, keySize: 4 });
  one.consume();
  assert.deepEqual(entries(one), [['00000000', 3n]]);
});

test('a flush throws away what was counted, again and again, and nothing without one', () => {
  const batches = Array.from({ length: 8 }, () => ({ records: ['0001'] }));
  const { counter: one, clock } = counter(batches, { flushMs: 10 });
  const kept = counter(batches);
  const seen = [0, 9, 10, 19, 20, 55, 59, 60].map((now) => {
    clock.now = now;
    kept.clock.now = now * 3_600_000;
    one.consume();
    kept.counter.consume();
    return entries(one)[0]![1];
  });
  assert.deepEqual(seen, [1n, 2n, 1n, 2n, 1n, 1n, 2n, 1n]);
  assert.deepEqual(entries(kept.counter), [['0001', 8n]]);
});

test('more keys than there was room for at first', () => {
  const records = Array.from({ length: 100 }, (_, number) => number.toString(16).padStart(4, '0'));
  const { counter: one } = counter([{ records: [...records, ...records] }], { limit: 100 });
  one.consume();
  assert.deepEqual(
    entries(one),
    records.map((record) => [record, 2n]),
  );
});

test('what was read stays as it was while records are counted on, and flushed', () => {
  const { counter: one, clock } = counter(
    [{ records: ['0001', '0002', '0002'] }, { records: ['0003'] }, { records: ['0004', '0004', '0004'] }],
    { flushMs: 10, limit: 1000 },
  );
  one.consume();
  const { count, keys, values } = one.read();
  const before = [count, Buffer.from(keys).toString('hex', 0, 4), Buffer.from(values).toString('hex')];
  one.consume();
  clock.now = 10;
  one.consume();
  assert.deepEqual([count, Buffer.from(keys).toString('hex', 0, 4), Buffer.from(values).toString('hex')], before);
  assert.deepEqual(before[1], '00010002');
  assert.deepEqual(entries(one), [['0004', 3n]]);
});
