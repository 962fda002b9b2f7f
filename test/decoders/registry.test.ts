import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecoderPlan } from '../../src/decoders/plan.ts';
import { checkDecoder, createDecoder, decoderNames } from '../../src/decoders/registry.ts';
import { MeterError } from '../../src/errors.ts';
import { kernelTable } from './kernel-table.ts';

const chains: readonly (readonly [plans: readonly DecoderPlan[], input: string, output: string | undefined])[] = [
  [[{ name: 'uint' }, { name: 'static_map', staticMap: new Map([['3', 'three']]) }], '03000000', 'three'],
  [[{ name: 'uint' }, { name: 'static_map', staticMap: new Map([['3', 'three']]) }], '04000000', 'unknown:4'],
  [[{ name: 'uint' }, { name: 'errno' }], '02000000', 'ENOENT'],
  [[{ name: 'int' }, { name: 'errno' }], 'feffffff', 'ENOENT'],
  [[{ name: 'uint' }, { name: 'syscall' }], '0101', 'openat'],
  [[{ name: 'string' }, { name: 'regexp', regexps: ['^(ba)'] }], '6261736800', 'ba'],
  [
    [{ name: 'string' }, { name: 'regexp', regexps: ['^zsh$'] }, { name: 'static_map', staticMap: new Map() }],
    '6261736800',
    undefined,
  ],
  [[{ name: 'ksym' }, { name: 'regexp', regexps: ['\\[(.*)\\]$'] }], '001020c0ffffffff', 'nf_tables'],
];

for (const [plans, input, output] of chains) {
  test(`${plans.map(({ name }) => name).join(', ')}: ${input} → ${output}`, () => {
    assert.equal(createDecoder(plans, kernelTable)(Buffer.from(input, 'hex'))?.toString(), output);
  });
}

test('no decoder at all is an error', () => {
  assert.throws(() => createDecoder([], kernelTable), {
    name: 'MeterError',
    code: 'config',
    message: /there are none/,
  });
});

test('a later decoder of a chain is checked when the chain is made', () => {
  assert.throws(() => createDecoder([{ name: 'uint' }, { name: 'regexp' }], kernelTable), /regexp: it has no regexps/);
});

const unfit: readonly (readonly [plan: DecoderPlan, message: RegExp])[] = [
  [{ name: 'unit' }, /^decoder "unit": there is no such decoder$/],
  [{ name: 'toString' }, /^decoder "toString": there is no such decoder$/],
  [{ name: 'static_map' }, /^decoder static_map: it has no static_map$/],
  [{ name: 'enum' }, /^decoder enum: it has no static_map$/],
  [{ name: 'enum', staticMap: new Map([['ONE', 'one']]) }, /^decoder enum: "ONE" in static_map is no decimal number$/],
  [{ name: 'enum', staticMap: new Map([['01', 'one']]) }, /"01" in static_map/],
  [{ name: 'regexp' }, /^decoder regexp: it has no regexps$/],
  [{ name: 'regexp', regexps: [] }, /^decoder regexp: it has no regexps$/],
  [{ name: 'regexp', regexps: ['a', '('] }, /^decoder regexp: "\(": missing closing \): "\("$/],
];

for (const [plan, message] of unfit) {
  test(`unfit: ${message.source}`, () => {
    const error = checkDecoder(plan);
    assert.ok(error instanceof MeterError);
    assert.equal(error.code, 'config');
    assert.match(error.message, message);
  });
}

test('each listed decoder passes the check with what it needs', () => {
  for (const name of decoderNames) {
    assert.equal(checkDecoder({ name, staticMap: new Map([['1', 'one']]), regexps: ['a'] }), undefined, name);
  }
});
