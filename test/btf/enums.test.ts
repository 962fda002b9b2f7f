import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enumNames } from '../../src/btf/enums.ts';
import { Kind } from '../../src/btf/records.ts';
import { BtfBuilder } from './builder.ts';

function build(): BtfBuilder {
  const builder = new BtfBuilder();
  builder.add(Kind.int, 'unsigned int', 4, [32]);
  builder.add(Kind.struct, 'reason', 4, [builder.string('value'), 1, 0], { length: 1 });
  builder.add(Kind.enum, 'reasons', 4, [builder.string('OTHER'), 1], { length: 1 });
  builder.add(Kind.forward, 'reason', 0);
  const values = [builder.string('NONE'), 0, builder.string('FIRST'), 1, builder.string('ALSO_FIRST'), 1];
  builder.add(Kind.enum, 'reason', 4, [...values, builder.string('MASK'), 0xffff0000], { length: 4 });
  return builder;
}

test('an enum has its names by number, and of two for one number the first', () => {
  assert.deepEqual(
    enumNames(build().bytes(), 'reason'),
    new Map([
      [0, 'NONE'],
      [1, 'FIRST'],
      [0xffff0000, 'MASK'],
    ]),
  );
});

test('an enum that is not there is undefined, also where the BTF goes on with an unknown kind', () => {
  const builder = build();
  assert.equal(enumNames(builder.bytes(), 'reas'), undefined);
  assert.equal(enumNames(new BtfBuilder().bytes(), 'reason'), undefined);
  builder.add(31, 'new', 0);
  assert.equal(enumNames(builder.bytes(), 'absent'), undefined);
  assert.equal(enumNames(builder.bytes(), 'reason')?.get(1), 'FIRST');
});

test('what is no BTF is an error', () => {
  assert.throws(() => enumNames(new Uint8Array(100), 'reason'), { name: 'MeterError', code: 'object' });
});
