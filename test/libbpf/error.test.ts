import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describe, errnoName, LibbpfError, lastWords } from '../../src/libbpf/error.ts';

for (const [number, name] of [
  [1, 'EPERM'],
  [11, 'EAGAIN'],
  [95, 'EOPNOTSUPP'],
  [524, 'ENOTSUPP'],
  [4001, 'LIBBPF_ERRNO__FORMAT'],
  [999, 'errno 999'],
] as const) {
  test(`errno ${number}`, () => assert.equal(errnoName(number), name));
}

const log = (prefix: string): string =>
  `${prefix}-- BEGIN PROG LOAD LOG --\n0: R1=ctx() R10=fp0\n7: (79) r1 = *(u64 *)(r0 +0)\nR0 invalid mem access 'scalar'\nprocessed 7 insns (limit 1000000)\nverification time 12 usec\nstack depth 0+0\n-- END PROG LOAD LOG --`;

for (const [name, messages, expected] of [
  ['silence', [], undefined],
  [
    "the verifier's reason",
    ["prog 'a': BPF program load failed: x", log("prog 'a': ")],
    'the verifier says "R0 invalid mem access \'scalar\'"',
  ],
  [
    'what stands before the echoes',
    [
      "prog 'a': failed to find kernel BTF type ID of 'b': -3",
      "prog 'a': failed to prepare load attributes: -3",
      "prog 'a': failed to load: -3",
      "failed to load object 'c'",
    ],
    "prog 'a': failed to find kernel BTF type ID of 'b': -3",
  ],
  ['an echo where there is nothing else', ["failed to load object 'c'"], "failed to load object 'c'"],
  [
    'a log that was cut off',
    ['-- BEGIN PROG LOAD LOG --\nback-edge from insn 5 to 4'],
    'the verifier says "back-edge from insn 5 to 4"',
  ],
  [
    'a reason that newer kernels explain',
    [
      "-- BEGIN PROG LOAD LOG --\n7: (79) r1 = *(u64 *)(r0 +0)\nR0 invalid mem access 'scalar'\n\nVerification failed: Register Type Safety: Invalid dereference\n\nReason:\n  R0 is no pointer.\n\nSuggestion:\n  Make it one.\n\nprocessed 7 insns (limit 1000000)\n-- END PROG LOAD LOG --",
    ],
    'the verifier says "R0 invalid mem access \'scalar\'"',
  ],
  [
    'an endless loop, behind which its states stand',
    [
      '-- BEGIN PROG LOAD LOG --\ninfinite loop detected at insn 37\ncur state: R0=scalar()\nold state: R0=scalar()\n-- END PROG LOAD LOG --',
    ],
    'the verifier says "infinite loop detected at insn 37"',
  ],
] as const) {
  test(`last words: ${name}`, () => assert.equal(lastWords(messages), expected));
}

test('a message holds one line, and the detail everything', () => {
  const messages = ['first', log('')];
  const error = describe('load', 'a.bpf.o', new LibbpfError('bpf_object__load', 13, messages), 'Do this');
  assert.equal(
    error.message,
    'a.bpf.o: EACCES (permission denied): the verifier says "R0 invalid mem access \'scalar\'"',
  );
  assert.equal(error.detail, messages.join('\n'));
  assert.equal(error.remedy, 'Do this');
  assert.equal((error.cause as LibbpfError).code, 'EACCES');
});

test('a libbpf that said nothing leaves the name of the error', () => {
  const error = describe('map', 'map m', new LibbpfError('bpf_map_lookup_batch', 524, []));
  assert.equal(error.message, 'map m: ENOTSUPP');
  assert.equal(error.detail, undefined);
});
