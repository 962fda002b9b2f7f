import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Capability } from '../../src/capability-names.ts';
import { capabilityMask, missingCapabilities, parseCapabilities } from '../../src/kernel/capabilities.ts';

const status = (mask: string): string => `Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t${mask}\nCapBnd:\t0\n`;

for (const [mask, expected] of [
  ['0000000000000000', []],
  ['0000008000000000', ['CAP_BPF']],
  ['000000c000000000', ['CAP_PERFMON', 'CAP_BPF']],
  ['0000000000200004', ['CAP_DAC_READ_SEARCH', 'CAP_SYS_ADMIN']],
] as const) {
  test(`effective ${mask}`, () => assert.deepEqual([...parseCapabilities(status(mask))], expected));
}

test('names are bits and back', () => {
  const names = ['CAP_CHOWN', 'CAP_SYSLOG', 'CAP_CHECKPOINT_RESTORE'] as const;
  assert.equal(capabilityMask(names), 0x104_0000_0001n);
  const all = capabilityMask(names).toString(16).padStart(16, '0');
  assert.deepEqual([...parseCapabilities(status(all))], names);
  assert.equal(parseCapabilities(status(all), 'CapPrm').size, 41);
});

test('no CapEff line, no capabilities', () => assert.equal(parseCapabilities('').size, 0));

const wanted: readonly Capability[] = ['CAP_BPF', 'CAP_PERFMON', 'CAP_DAC_READ_SEARCH'];
for (const [effective, expected] of [
  [[], wanted],
  [['CAP_BPF'], ['CAP_PERFMON', 'CAP_DAC_READ_SEARCH']],
  [['CAP_SYS_ADMIN'], ['CAP_DAC_READ_SEARCH']],
  [['CAP_BPF', 'CAP_PERFMON', 'CAP_DAC_READ_SEARCH'], []],
] as const) {
  test(`with ${effective.join(', ') || 'none'}, ${expected.join(', ') || 'none'} is missing`, () => {
    assert.deepEqual(missingCapabilities(wanted, new Set(effective)), expected);
  });
}
