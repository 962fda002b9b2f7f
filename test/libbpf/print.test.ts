import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutAddresses } from '../../src/libbpf/print.ts';

for (const [what, message, expected] of [
  [
    "a map's in the verifier's log",
    '9: (18) r1 = 0xffffc900097f6000       ; R1=map_ptr(map=queued,ks=4,vs=64)\n11: (85) call bpf_map_lookup_elem#1',
    '9: (18) r1 = 0x…       ; R1=map_ptr(map=queued,ks=4,vs=64)\n11: (85) call bpf_map_lookup_elem#1',
  ],
  [
    'every one of several',
    '5: (18) r9 = 0xffff88812ff5dc10\n7: (18) r2 = 0xffffffffc0201000',
    '5: (18) r9 = 0x…\n7: (18) r2 = 0x…',
  ],
  [
    "a variable's by libbpf",
    "extern (ksym) 'runqueues': resolved to 0xffffffff82a1b2c0",
    "extern (ksym) 'runqueues': resolved to 0x…",
  ],
] as const) {
  test(`a message has no address: ${what}`, () => assert.equal(withoutAddresses(message), expected));
}

test('what the verifier knows of a number stays', () => {
  const state =
    '4: (57) r1 &= 255 ; R1=scalar(umax=0xffffffffffff0000,var_off=(0x0; 0xffffffff)) 5: (18) r1 = 0x7fffffff';
  assert.equal(withoutAddresses(state), state);
});
